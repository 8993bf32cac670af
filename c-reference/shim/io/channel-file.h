/* Versions from 9.0 on name this header; qemu/osdep.h carries what they take from it. */
