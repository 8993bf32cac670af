/* The original names this header; qemu/osdep.h carries what it takes from it. */
