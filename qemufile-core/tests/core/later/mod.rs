//! What streams do since QEMU 9.0.

mod config;
mod descriptors;
mod positioned;
mod real;
mod support;
