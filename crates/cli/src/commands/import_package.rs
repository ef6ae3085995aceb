//! The child that performs the import of one package. Not for people.

use std::io::{self, Read, Write};

use anyhow::{Context, Error};
use importer::protocol::{Event, Request};

use crate::exit;

/// Performs one import; the request comes on standard input.
pub fn run() -> Result<u8, Error> {
    #[cfg(feature = "failpoints")]
    importer::crash::arm();
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text).context("cannot read the request")?;
    let request: Request = serde_json::from_slice(&text).context("cannot understand the request")?;
    bounded::waiting::listen(|text| emit(&Event::Waiting(text.to_owned())));
    importer::perform::run(&request, emit);
    Ok(exit::DONE)
}

fn emit(event: &Event) {
    let mut stdout = io::stdout().lock();
    // A parent that has gone has set this process on its way out, too.
    let _ = serde_json::to_writer(&mut stdout, event).map(|()| stdout.write_all(b"\n"));
}
