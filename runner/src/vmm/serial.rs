//! A guest's serial console: read all the time, masked, kept up to a limit. QEMU itself writes no
//! file, so a guest that prints for ever costs the host nothing.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::mask::Masker;

/// How much of the log is kept on disk, from its beginning.
const FILE_LIMIT: usize = 4 << 20;
/// How much is kept in memory, from its end.
const TAIL_LIMIT: usize = 16 << 10;

/// The last of what a guest printed on its console.
#[derive(Debug, Clone, Default)]
pub struct SerialTail {
    bytes: Arc<Mutex<VecDeque<u8>>>,
}

impl SerialTail {
    /// The text, as far as it is kept.
    pub fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes.iter().copied().collect::<Vec<u8>>()).into_owned()
    }

    fn push(&self, piece: &[u8]) {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.extend(piece);
        let excess = bytes.len().saturating_sub(TAIL_LIMIT);
        bytes.drain(..excess);
    }
}

/// Reads the console to its end in a task of its own, into the file at `path` and the returned tail.
pub fn follow<R>(console: R, path: &Path, masker: &Masker) -> SerialTail
where
    R: AsyncRead + Send + Unpin + 'static,
{
    let tail = SerialTail::default();
    // A log that can't be written is no reason to lose the machine; the tail is kept all the same.
    let file = File::create(path).ok();
    let mut stream = masker.stream();
    let mut log = Log {
        file,
        written: 0,
        tail: tail.clone(),
    };
    let mut console = console;
    tokio::spawn(async move {
        let mut buffer = vec![0; 8 << 10];
        while let Ok(length) = console.read(&mut buffer).await {
            if length == 0 {
                break;
            }
            log.take(&stream.push(&buffer[..length]));
        }
        log.take(&stream.finish());
    });
    tail
}

struct Log {
    file: Option<File>,
    written: usize,
    tail: SerialTail,
}

impl Log {
    fn take(&mut self, piece: &[u8]) {
        self.tail.push(piece);
        let kept = piece.len().min(FILE_LIMIT - self.written);
        self.written += kept;
        if let Some(file) = &mut self.file
            && file.write_all(&piece[..kept]).is_err()
        {
            self.file = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::host::clock::poll;

    #[tokio::test]
    async fn the_console_is_masked_and_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("serial.log");
        let masker = Masker::default();
        masker.add("hunter2");
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let tail = follow(ours, &path, &masker);
        let block = vec![b'x'; 1 << 16];
        for _ in 0..(FILE_LIMIT >> 16) + 4 {
            theirs.write_all(&block).await.unwrap();
        }
        theirs.write_all(b"\nlogin: hunter2 ok\n").await.unwrap();
        drop(theirs);
        poll(std::time::Duration::from_millis(5), || async {
            tail.text().contains("ok\n").then_some(())
        })
        .await;
        assert!(tail.text().ends_with("\nlogin: *** ok\n"));
        assert!(tail.text().len() <= TAIL_LIMIT);
        assert_eq!(std::fs::metadata(&path).unwrap().len() as usize, FILE_LIMIT);
    }
}
