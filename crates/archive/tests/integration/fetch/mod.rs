//! Fetching files: resumed, from the next mirror, through the cache.

mod bad;
mod good;
mod parts;
mod world;
