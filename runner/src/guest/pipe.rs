//! Bounded pipes between the task that owns a connection and everybody else. A full pipe makes its
//! writer wait, and emptying it wakes the connection's task, which waits for many things at once.

use std::io;
use std::sync::{Arc, OnceLock};

use bytes::{Buf, Bytes};
use tokio::sync::{Notify, mpsc};

/// How many pieces a pipe holds. A piece is at most some tens of kilobytes, so a pipe is flat memory.
const PIECES: usize = 32;

/// The size of a piece that is worth sending.
const PIECE: usize = 64 << 10;

/// A pipe whose reader wakes `waker` whenever it makes room.
pub fn read_side<T>(waker: Arc<Notify>) -> (mpsc::Sender<T>, Reader<T>) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (sender, Reader { receiver, waker })
}

/// The end of a pipe that callers read.
#[derive(Debug)]
pub struct Reader<T> {
    receiver: mpsc::Receiver<T>,
    waker: Arc<Notify>,
}

impl<T> Reader<T> {
    /// The next piece; none when the writer is gone.
    pub async fn next(&mut self) -> Option<T> {
        let piece = self.receiver.recv().await;
        self.waker.notify_one();
        piece
    }

    /// As [`Reader::next`], for threads that may block.
    pub fn blocking_next(&mut self) -> Option<T> {
        let piece = self.receiver.blocking_recv();
        self.waker.notify_one();
        piece
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        self.receiver.close();
        self.waker.notify_one();
    }
}

/// A pipe of bytes into a guest's program.
pub fn input() -> (PipeWriter, PipeReader) {
    let (sender, receiver) = mpsc::channel(PIECES);
    let waker = Arc::new(OnceLock::new());
    let writer = PipeWriter {
        sender: Some(sender),
        waker: Arc::clone(&waker),
        pending: Vec::new(),
    };
    (
        writer,
        PipeReader {
            receiver,
            waker,
            first: None,
            ended: false,
        },
    )
}

/// The end of an input that callers write; dropping it ends the input. As `std::io::Write` it is for
/// threads that may block.
#[derive(Debug)]
pub struct PipeWriter {
    /// There until it is dropped.
    sender: Option<mpsc::Sender<Bytes>>,
    waker: Arc<OnceLock<Arc<Notify>>>,
    pending: Vec<u8>,
}

impl PipeWriter {
    /// Writes a piece; an error means that nobody reads any more.
    pub async fn send(&self, piece: Bytes) -> io::Result<()> {
        let sent = match &self.sender {
            Some(sender) => sender.send(piece).await.is_ok(),
            None => false,
        };
        self.woken(sent)
    }

    fn woken(&self, sent: bool) -> io::Result<()> {
        // A reader that does not run yet finds the piece when it begins.
        self.waker.get().inspect(|waker| waker.notify_one());
        if sent {
            Ok(())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
}

impl io::Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::replace(
            &mut self.pending,
            Vec::with_capacity(PIECE),
        ));
        let sent = self
            .sender
            .as_ref()
            .is_some_and(|sender| sender.blocking_send(piece).is_ok());
        self.woken(sent)
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        // First the end, then the news of it.
        self.sender = None;
        let _ = self.woken(true);
    }
}

/// The end of an input that the connection reads.
#[derive(Debug)]
pub struct PipeReader {
    receiver: mpsc::Receiver<Bytes>,
    waker: Arc<OnceLock<Arc<Notify>>>,
    /// What comes before all that is written.
    first: Option<Bytes>,
    ended: bool,
}

/// What an input has at the moment.
#[derive(Debug, PartialEq, Eq)]
pub enum Ready {
    /// A piece.
    Piece(Bytes),
    /// Nothing yet.
    Later,
    /// Nothing any more.
    End,
}

impl PipeReader {
    /// The same pipe, with a piece put in front of everything that is written.
    #[must_use]
    pub fn preceded_by(mut self, first: Bytes) -> Self {
        self.first = Some(first);
        self
    }

    /// What there is, without waiting.
    pub fn try_next(&mut self) -> Ready {
        if let Some(first) = self.first.take() {
            return Ready::Piece(first);
        }
        if self.ended {
            return Ready::End;
        }
        match self.receiver.try_recv() {
            Ok(piece) => Ready::Piece(piece),
            Err(mpsc::error::TryRecvError::Empty) => Ready::Later,
            Err(mpsc::error::TryRecvError::Disconnected) => {
                self.ended = true;
                Ready::End
            }
        }
    }

    /// Wakes `waker` from now on whenever the writer has done something.
    pub fn wake(&self, waker: Arc<Notify>) {
        // A pipe has one reader, which says so once.
        let _ = self.waker.set(waker);
    }
}

/// A program's standard output as `std::io::Read`, for threads that may block.
#[derive(Debug)]
pub struct BlockingReader<F> {
    next: F,
    current: Bytes,
}

impl<F: FnMut() -> Option<Bytes>> BlockingReader<F> {
    /// Reads the pieces that `next` returns until there is none.
    pub fn new(next: F) -> Self {
        Self {
            next,
            current: Bytes::new(),
        }
    }
}

impl<F: FnMut() -> Option<Bytes>> io::Read for BlockingReader<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match (self.next)() {
                Some(piece) => self.current = piece,
                None => return Ok(0),
            }
        }
        let length = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[tokio::test]
    async fn an_input_is_written_by_a_thread_and_ends_with_it() {
        let (mut writer, mut reader) = input();
        let waker = Arc::new(Notify::new());
        reader.wake(Arc::clone(&waker));
        let thread = tokio::task::spawn_blocking(move || {
            writer.write_all(&vec![7; 200_000]).unwrap();
            writer.flush().unwrap();
        });
        let mut total = 0;
        loop {
            match reader.try_next() {
                Ready::Piece(piece) => total += piece.len(),
                Ready::Later => waker.notified().await,
                Ready::End => break,
            }
        }
        thread.await.unwrap();
        assert_eq!(total, 200_000);
    }

    #[test]
    fn pieces_are_read_as_one_stream() {
        let mut pieces = vec![Bytes::from("def"), Bytes::new(), Bytes::from("abc")];
        let mut text = String::new();
        BlockingReader::new(move || pieces.pop())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "abcdef");
    }
}
