//! The memory allocator of every program of the suite.
//!
//! Handling a request makes many small allocations; this allocator spends an eighth less of the gateway's time on them than
//! the C library's does.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
