//! Reads ahead on a thread of its own: decompressing takes as long as all further work on its output.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, Scope};

/// Bytes of one block.
const BLOCK: usize = 256 << 10;
/// Largest number of blocks that are read ahead.
const WAITING: usize = 4;

/// Reader of the blocks that another thread has read.
pub struct Ahead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    /// Blocks that were read are returned: allocating new ones would cost more than the message.
    spent: Sender<Vec<u8>>,
    block: Vec<u8>,
    at: usize,
    is_over: bool,
}

impl Ahead {
    /// Reads from `inner` until its end, or until the reader is dropped.
    ///
    /// # Errors
    /// The machine has no thread left.
    pub fn of(inner: impl Read + Send + 'static) -> io::Result<Ahead> {
        let (ahead, work) = Ahead::prepare(inner);
        thread::Builder::new().spawn(work)?;
        Ok(ahead)
    }

    /// The same for a source that lives as long as the scope, which waits for the thread.
    pub fn within<'scope>(
        scope: &'scope Scope<'scope, '_>,
        inner: impl Read + Send + 'scope,
    ) -> io::Result<Ahead> {
        let (ahead, work) = Ahead::prepare(inner);
        thread::Builder::new().spawn_scoped(scope, work)?;
        Ok(ahead)
    }

    fn prepare<R: Read + Send>(mut inner: R) -> (Ahead, impl FnOnce() + Send + use<R>) {
        let (sender, blocks) = mpsc::sync_channel(WAITING);
        let (spent, used) = mpsc::channel::<Vec<u8>>();
        let work = move || {
            loop {
                let mut block = used.try_recv().unwrap_or_else(|_| Vec::with_capacity(BLOCK));
                block.clear();
                let read = inner.by_ref().take(BLOCK as u64).read_to_end(&mut block);
                // An empty block is the end.
                let is_last = read.is_err() || block.is_empty();
                let told = match read {
                    Ok(_) => sender.send(Ok(block)),
                    Err(error) if block.is_empty() => sender.send(Err(error)),
                    // Bytes that were read before an error are delivered before it.
                    Err(error) => sender.send(Ok(block)).and_then(|()| sender.send(Err(error))),
                };
                // A reader that was dropped wants no more.
                if told.is_err() || is_last {
                    return;
                }
            }
        };
        (Ahead { blocks, spent, block: Vec::new(), at: 0, is_over: false }, work)
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.block.len() && !self.is_over {
            // Without an end marker, the thread has died: the data so far is not complete.
            let next = self.blocks.recv().map_err(|_| io::Error::other("reading it was interrupted"))??;
            let spent = std::mem::replace(&mut self.block, next);
            self.at = 0;
            self.is_over = self.block.is_empty();
            // A thread that has finished takes no blocks back.
            let _ = self.spent.send(spent);
        }
        Ok(self.block.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

impl Read for Ahead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut block = self.fill_buf()?;
        let count = block.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn everything_comes_in_order_and_then_nothing() {
        let content: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
        let mut ahead = Ahead::of(io::Cursor::new(content.clone())).unwrap();
        let mut read = Vec::new();
        ahead.read_to_end(&mut read).unwrap();
        assert!(read == content);
        assert_eq!(ahead.read(&mut [0; 8]).unwrap(), 0);
    }

    /// Gives something, then fails.
    struct Breaks(bool);

    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "broken"));
            }
            self.0 = true;
            buffer[0] = 1;
            Ok(1)
        }
    }

    #[test]
    fn an_error_arrives_and_is_never_taken_for_the_end() {
        let mut ahead = Ahead::of(Breaks(false)).unwrap();
        let mut read = Vec::new();
        assert_eq!(ahead.read_to_end(&mut read).unwrap_err().to_string(), "broken");
        assert_eq!(read, [1], "what came before it");
        assert!(ahead.read(&mut [0; 8]).is_err());
    }

    #[test]
    fn who_stops_reading_is_not_waited_for() {
        thread::scope(|scope| {
            let mut ahead = Ahead::within(scope, io::repeat(7)).unwrap();
            assert_eq!(ahead.read(&mut [0; 8]).unwrap(), 8);
        });
    }
}
