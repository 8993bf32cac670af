//! The program that runs in the guests: it fills pages with noise, then writes to all of them and
//! counts, for ever.

/// Where it counts its rounds, 32 bits, little-endian.
pub(crate) const COUNTER: u64 = 0x600;

/// Length of the firmware that holds it, in bytes.
const LEN: usize = 1 << 16;

/// Where a processor begins in it.
const RESET: usize = 0xfff0;

/// Real mode. Toggling the write protection of CR0 drops the translations that QEMU keeps: it then
/// sees each page become dirty again.
///
/// ```text
///         cli
///         cld
///         mov  bx, 0x1000           ; pages at 0x10000 to 0x4ffff
///         mov  dx, 0x1d2b
/// fill:   mov  es, bx
///         xor  di, di
///         mov  cx, 2048
/// word:   imul dx, dx, 25173
///         add  dx, 13849
///         mov  ax, dx
///         stosw
///         loop word
///         add  bx, 0x100
///         cmp  bx, 0x5000
///         jne  fill
/// again:  mov  bx, 0x1000
/// touch:  mov  ds, bx
///         inc  word [0x10]
///         add  bx, 0x100
///         cmp  bx, 0x5000
///         jne  touch
///         xor  ax, ax
///         mov  ds, ax
///         inc  dword [0x600]
///         mov  eax, cr0
///         xor  eax, 0x10000
///         mov  cr0, eax
///         mov  cx, 0x4000
/// rest:   loop rest
///         jmp  again
/// ```
const PROGRAM: [u8; 85] = [
    0xfa, 0xfc, 0xbb, 0x00, 0x10, 0xba, 0x2b, 0x1d, 0x8e, 0xc3, 0x31, 0xff, 0xb9, 0x00, 0x08, 0x69,
    0xd2, 0x55, 0x62, 0x81, 0xc2, 0x19, 0x36, 0x89, 0xd0, 0xab, 0xe2, 0xf3, 0x81, 0xc3, 0x00, 0x01,
    0x81, 0xfb, 0x00, 0x50, 0x75, 0xe2, 0xbb, 0x00, 0x10, 0x8e, 0xdb, 0xff, 0x06, 0x10, 0x00, 0x81,
    0xc3, 0x00, 0x01, 0x81, 0xfb, 0x00, 0x50, 0x75, 0xf0, 0x31, 0xc0, 0x8e, 0xd8, 0x66, 0xff, 0x06,
    0x00, 0x06, 0x0f, 0x20, 0xc0, 0x66, 0x35, 0x00, 0x00, 0x01, 0x00, 0x0f, 0x22, 0xc0, 0xb9, 0x00,
    0x40, 0xe2, 0xfe, 0xeb, 0xd1,
];

/// `jmp 0xf000:0`
const JUMP: [u8; 5] = [0xea, 0, 0, 0, 0xf0];

/// A firmware of 64 KiB.
pub(crate) fn firmware() -> Vec<u8> {
    let mut bytes = vec![0; LEN];
    bytes[..PROGRAM.len()].copy_from_slice(&PROGRAM);
    bytes[RESET..RESET + JUMP.len()].copy_from_slice(&JUMP);
    bytes
}

/// What a machine without a processor has in its memory: pages of which each is another.
pub(crate) fn content() -> Vec<u8> {
    (0..0x1_0000_u32).flat_map(|word| word.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect()
}
