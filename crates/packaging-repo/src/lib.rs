//! The Git repository of one source package: objects, history, refs.
//!
//! From below: [`hash`], `deflate`, [`pack`] and `index` write objects; [`store`] reads and adds them; [`tree`] and
//! [`escape`] turn source trees into Git's; `lock`, `loose` and [`refs`] move refs; `birth` and [`repository`] are the
//! folder. Above them, [`manifest`], [`message`], [`upstream`], [`branch`] and [`history`] know the rules of an
//! import.

pub mod branch;
pub mod cache;
pub mod catalog;
pub mod collision;
mod damage;
mod deflate;
mod delta;
mod durable;
mod error;
pub mod escape;
pub mod expected;
pub mod export;
pub mod failpoints;
pub mod foreign;
mod hash;
pub mod history;
pub mod identity;
mod index;
pub mod manifest;
pub mod mend;
pub mod message;
pub mod mirror;
mod modules;
pub mod object;
pub mod pack;
pub mod published;
pub mod record;
pub mod refs;
pub mod repack;
pub mod repository;
pub mod seal;
mod slot;
mod space;
pub mod store;
mod stream;
pub mod tree;
pub mod upstream;
pub mod verify;
pub mod version;
pub mod view;

pub use error::Error;
pub use gix_hash::ObjectId;
pub use refs::lock::Guard;

/// The bytes of an object's id.
pub fn raw_id(id: ObjectId) -> [u8; 20] {
    let mut raw = [0; 20];
    raw.copy_from_slice(id.as_bytes());
    raw
}
