//! The port by which a guest that wakes is told the time, and answers when it has become a machine of
//! its own. What it answers comes from the guest: it is read up to a limit, and quoted harmlessly.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::failure::InfraFailure;
use crate::host::clock::Deadline;
use crate::vmm::agent::{WORDS, harmless};
use crate::vmm::vm::{Port, Vm};

impl Vm {
    /// Tells the guest the time, as seconds since 1970 with nine decimals, and waits until it has its own
    /// clock, random numbers, key and name.
    pub async fn wake(&self, time: &str, deadline: Deadline) -> Result<(), InfraFailure> {
        let waking = async {
            let stream = self.dial_now(Port::Wake).await;
            tell(stream.map_err(|error| error.to_string())?, time).await
        };
        self.alive(deadline, waking).await?.map_err(|why| {
            InfraFailure::transient("the guest did not become a machine of its own").because(why)
        })
    }
}

async fn tell(mut stream: UnixStream, time: &str) -> Result<(), String> {
    let in_words = |error: std::io::Error| error.to_string();
    let line = format!("{time}\n");
    stream.write_all(line.as_bytes()).await.map_err(in_words)?;
    let mut answer = Vec::new();
    let mut reader = BufReader::new(stream.take(WORDS as u64));
    let read = reader.read_until(b'\n', &mut answer).await;
    read.map_err(in_words)?;
    match answer.as_slice() {
        b"ok\n" => Ok(()),
        b"" => Err("it does not answer".to_owned()),
        words => Err(harmless(words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(words: &[u8]) -> Result<(), String> {
        let (mut guest, host) = UnixStream::pair().unwrap();
        let answering = async {
            let mut heard = [0; 13];
            guest.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"12.000000001\n");
            guest.write_all(words).await.unwrap();
            guest.shutdown().await.unwrap();
        };
        tokio::join!(tell(host, "12.000000001"), answering).0
    }

    #[tokio::test]
    async fn the_guest_hears_the_time_and_is_believed_only_when_it_says_ok() {
        assert_eq!(answered(b"ok\n").await, Ok(()));
        assert_eq!(answered(b"").await, Err("it does not answer".to_owned()));
        let failed = answered(b"wake: /dev/vdb: \x1b[1mNo such file\n").await;
        assert_eq!(failed, Err("wake: /dev/vdb: [1mNo such file".to_owned()));
        let endless = answered(&[b'x'; 3 * WORDS]).await.unwrap_err();
        assert_eq!(endless.len(), WORDS);
    }
}
