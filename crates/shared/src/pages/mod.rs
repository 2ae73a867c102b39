//! Server-rendered pages: the frame all services extend, what a page knows of its request, icons and formatting.

pub mod format;
