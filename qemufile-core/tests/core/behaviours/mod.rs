//! One test or more for each row of the table of the original's surprises, named by its row.
//!
//! A row that the types make impossible has a test that shows what happens in its place.

#[cfg(any(feature = "zlib", feature = "zlib-rs", feature = "miniz-oxide"))]
mod compression;
mod ends;
mod reading;
mod writing;
