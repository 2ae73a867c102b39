//! The memory allocator of every program of the suite.
//!
//! A suite shares one small machine. The C library's allocator keeps what a burst of requests once needed; this one gives
//! it back to the system a moment later.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
