//! What callers see of a guest: a channel that runs commands and bundles and moves files. Made of a
//! transport and a dialect, each of which can be exchanged alone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::guest::bundle::{Bundle, BundleEnd, BundleParser, BundleResult};
use crate::guest::command::{
    ChannelError, Exit, GuestCommand, GuestProcess, Input, Output, Signal,
};
use crate::guest::dialect::{Dialect, Request};
use crate::guest::pipe::{self, PipeWriter};
use crate::guest::pulse::{PATIENCE, Watch};
use crate::guest::transport::{Started, Transport};
use crate::host::reservation::fill_with_randomness;

/// A way into a guest.
#[async_trait]
pub trait GuestChannel: Send + Sync + std::fmt::Debug {
    /// Starts a command; its output streams.
    async fn spawn(&self, command: GuestCommand) -> Result<GuestProcess, ChannelError>;
    /// Starts a bundle; its command's output streams.
    async fn run_bundle(&self, bundle: &Bundle) -> Result<RunningBundle, ChannelError>;
    /// Signals the whole tree of processes that a command or bundle started.
    async fn signal(&self, tag: &str, signal: Signal) -> Result<(), ChannelError>;
    /// Ends every process whose environment holds this variable with this value. Returns the names of
    /// those that there were.
    async fn end_marked(&self, variable: &str, value: &str) -> Result<Vec<String>, ChannelError>;
    /// Runs the cheapest command that there is.
    async fn probe(&self) -> Result<(), ChannelError>;
    /// Makes directories, and their parents.
    async fn make_directories(&self, directories: &[String]) -> Result<(), ChannelError>;
    /// Unpacks the tar file that `input` carries into a directory.
    async fn unpack(&self, directory: &str, input: Input) -> Result<GuestProcess, ChannelError>;
    /// Lists what is below the directory that `start` leads to, in the form of `dialect::Listing`.
    async fn list(&self, directory: &str, start: &[String]) -> Result<GuestProcess, ChannelError>;
    /// Packs the files of a directory that `names` names, with a zero byte behind each, as a tar file on
    /// standard output.
    async fn pack(&self, directory: &str, names: Input) -> Result<GuestProcess, ChannelError>;
    /// Packs everything below the directory that `start` leads to; see [`Dialect::pack_all`].
    async fn pack_all(
        &self,
        directory: &str,
        start: &[String],
    ) -> Result<GuestProcess, ChannelError>;
    /// Hashes the named files of a directory, in the form of [`Dialect::digest`].
    async fn digest(&self, directory: &str, names: Bytes) -> Result<GuestProcess, ChannelError>;
    /// How commands are put, and paths written.
    fn dialect(&self) -> &dyn Dialect;
}

/// A channel over a transport, in a dialect.
#[derive(Debug)]
pub struct DialectChannel {
    transport: Arc<dyn Transport>,
    dialect: Box<dyn Dialect>,
    patience: Duration,
}

impl DialectChannel {
    /// Talks in `dialect` over `transport`.
    pub fn new(transport: Arc<dyn Transport>, dialect: Box<dyn Dialect>) -> Self {
        Self {
            transport,
            dialect,
            patience: PATIENCE,
        }
    }

    /// Sets how long a transfer may stand still; [`PATIENCE`] if nobody does.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    async fn start(&self, request: Request, input: Input) -> Result<GuestProcess, ChannelError> {
        self.start_tagged(request, input, String::new()).await
    }

    async fn start_tagged(
        &self,
        request: Request,
        input: Input,
        tag: String,
    ) -> Result<GuestProcess, ChannelError> {
        let input = after_preamble(request.preamble, input);
        let started = self.transport.start(&request.line, input).await?;
        let watch = Watch::new(started.pulse, self.patience);
        Ok(GuestProcess::new(started.output, started.exit, watch, tag))
    }

    /// Runs something that only has to work.
    async fn must_work(&self, request: Request, what: &str) -> Result<(), ChannelError> {
        const WORDS: usize = 4096;
        let process = self.start(request, Input::Nothing).await?;
        let watch = process.watch();
        let stalled = ("done nothing", "it was told to do something");
        let (exit, _, complaints) = watch.over(stalled, process.output(WORDS)).await?;
        if exit.is_success() {
            return Ok(());
        }
        let complaints = String::from_utf8_lossy(&complaints).trim().to_owned();
        Err(ChannelError::Refused(format!(
            "{what}: {complaints} ({exit:?})"
        )))
    }
}

#[async_trait]
impl GuestChannel for DialectChannel {
    async fn spawn(&self, command: GuestCommand) -> Result<GuestProcess, ChannelError> {
        let tag = random_word();
        let request = self.dialect.command(&command, &tag);
        self.start_tagged(request, command.input, tag).await
    }

    async fn run_bundle(&self, bundle: &Bundle) -> Result<RunningBundle, ChannelError> {
        let (mark, tag) = (random_word(), random_word());
        let request = self.dialect.bundle(bundle, &mark, &tag);
        let input = after_preamble(request.preamble, Input::Nothing);
        let started = self.transport.start(&request.line, input).await?;
        let paths = self.dialect.paths();
        Ok(RunningBundle {
            watch: Watch::new(Arc::clone(&started.pulse), self.patience),
            started,
            parser: BundleParser::new(&mark, bundle.files_out.len()),
            tag,
            directory: bundle.directory.clone(),
            files_out: bundle.files_out.iter().map(|f| paths.read(f)).collect(),
            rest: Vec::new(),
            stalled: None,
        })
    }

    async fn signal(&self, tag: &str, signal: Signal) -> Result<(), ChannelError> {
        self.must_work(self.dialect.signal(tag, signal), "signalling a program")
            .await
    }

    async fn end_marked(&self, variable: &str, value: &str) -> Result<Vec<String>, ChannelError> {
        const NAMES: usize = 64 << 10;
        let request = self.dialect.end_marked(variable, value);
        let process = self.start(request, Input::Nothing).await?;
        let (_, names, _) = process.output(NAMES).await?;
        let names = String::from_utf8_lossy(&names).into_owned();
        Ok(names.lines().map(str::to_owned).collect())
    }

    async fn probe(&self) -> Result<(), ChannelError> {
        self.must_work(self.dialect.probe(), "answering a command")
            .await
    }

    async fn make_directories(&self, directories: &[String]) -> Result<(), ChannelError> {
        self.must_work(
            self.dialect.make_directories(directories),
            "making a directory",
        )
        .await
    }

    async fn unpack(&self, directory: &str, input: Input) -> Result<GuestProcess, ChannelError> {
        self.start(self.dialect.unpack(directory), input).await
    }

    async fn list(&self, directory: &str, start: &[String]) -> Result<GuestProcess, ChannelError> {
        self.start(self.dialect.list(directory, start), Input::Nothing)
            .await
    }

    async fn pack(&self, directory: &str, names: Input) -> Result<GuestProcess, ChannelError> {
        self.start(self.dialect.pack(directory), names).await
    }

    async fn pack_all(
        &self,
        directory: &str,
        start: &[String],
    ) -> Result<GuestProcess, ChannelError> {
        self.start(self.dialect.pack_all(directory, start), Input::Nothing)
            .await
    }

    async fn digest(&self, directory: &str, names: Bytes) -> Result<GuestProcess, ChannelError> {
        self.start(self.dialect.digest(directory), Input::Bytes(names))
            .await
    }

    fn dialect(&self) -> &dyn Dialect {
        self.dialect.as_ref()
    }
}

/// A bundle whose command runs.
#[derive(Debug)]
pub struct RunningBundle {
    started: Started,
    watch: Watch,
    /// The guest stood still before the program began or after it had ended.
    stalled: Option<ChannelError>,
    parser: BundleParser,
    tag: String,
    directory: String,
    /// In Windows form, as people know them.
    files_out: Vec<String>,
    rest: Vec<Output>,
}

impl RunningBundle {
    /// What names its tree of processes.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The next piece of the command's output; none when the bundle is over. Safe to cancel.
    pub async fn next(&mut self) -> Option<Output> {
        loop {
            if let Some(piece) = self.rest.pop() {
                return Some(piece);
            }
            if self.parser.end().is_some() || self.stalled.is_some() {
                return None;
            }
            let shown = match self.next_raw().await {
                Some(Output::Stdout(piece)) => Output::Stdout(self.parser.stdout(&piece).into()),
                Some(Output::Stderr(piece)) => Output::Stderr(self.parser.stderr(&piece).into()),
                None => {
                    let (stdout, stderr) = self.parser.rest();
                    self.rest.extend(piece_of(stderr, Output::Stderr));
                    self.rest.extend(piece_of(stdout, Output::Stdout));
                    return self.rest.pop();
                }
            };
            if !is_empty(&shown) {
                return Some(shown);
            }
        }
    }

    /// The next piece as it comes. A program may be silent for as long as it likes; the guest may not, while it
    /// is sent what the program needs and while it hands back what the program left.
    async fn next_raw(&mut self) -> Option<Output> {
        const SENDING: (&str, &str) = ("taken nothing", "a step's files were sent to it");
        const FETCHING: (&str, &str) = ("sent nothing", "a step's files were fetched from it");
        let output = &mut self.started.output;
        let next = async { Ok(output.next().await) };
        let came = if self.parser.has_exited() {
            self.watch.over(FETCHING, next).await
        } else {
            self.watch.until_taken(SENDING, next).await
        };
        came.unwrap_or_else(|stalled| {
            self.stalled = Some(stalled);
            None
        })
    }

    /// The result, after the output. Whatever the command left running is let go of, not waited for.
    pub async fn finish(mut self) -> Result<BundleResult, ChannelError> {
        while self.next().await.is_some() {}
        if let Some(stalled) = self.stalled {
            return Err(stalled);
        }
        match self.parser.end() {
            Some(BundleEnd::Done(result)) => Ok(result),
            Some(BundleEnd::Failed(what)) if what == "directory" => {
                Err(ChannelError::NoDirectory(self.directory))
            }
            Some(BundleEnd::Failed(what)) => Err(ChannelError::Refused(format!(
                "its {what} could not be written"
            ))),
            Some(BundleEnd::NotTaken(index, why)) => {
                let file = self.files_out.get(index).map_or("", String::as_str);
                Err(ChannelError::Refused(format!("its file `{file}` {why}")))
            }
            None => Err(self.cut_short().await),
        }
    }

    /// The shell that should have reported is gone.
    async fn cut_short(self) -> ChannelError {
        match self.started.exit.await {
            Ok(Err(error)) => error,
            Ok(Ok(Exit::Code(code))) => {
                ChannelError::Refused(format!("its shell ended early, with {code}"))
            }
            Ok(Ok(Exit::Signal(name))) => {
                ChannelError::Refused(format!("its shell was ended by the signal {name}"))
            }
            Err(_) => ChannelError::Lost("it was closed".to_owned()),
        }
    }
}

fn piece_of(bytes: Vec<u8>, make: fn(Bytes) -> Output) -> Option<Output> {
    (!bytes.is_empty()).then(|| make(bytes.into()))
}

fn is_empty(output: &Output) -> bool {
    match output {
        Output::Stdout(bytes) | Output::Stderr(bytes) => bytes.is_empty(),
    }
}

/// A request's own text, then what the caller's program reads.
fn after_preamble(preamble: String, input: Input) -> Input {
    match input {
        _ if preamble.is_empty() => input,
        Input::Nothing => Input::Bytes(preamble.into()),
        Input::Bytes(bytes) => Input::Bytes([preamble.as_bytes(), &bytes].concat().into()),
        Input::Pipe(reader) => Input::Pipe(reader.preceded_by(preamble.into())),
    }
}

/// A word of letters and digits that nobody can guess.
pub fn random_word() -> String {
    let mut bytes = [0; 16];
    fill_with_randomness(&mut bytes);
    hex::encode(bytes)
}

/// A pipe into a command, with its two ends.
pub fn piped_input() -> (PipeWriter, Input) {
    let (writer, reader) = pipe::input();
    (writer, Input::Pipe(reader))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::fake;

    #[tokio::test]
    async fn a_file_that_does_not_come_back_is_named() {
        // The guest reports in the words that it was given.
        let channel = fake::channel(|_, text| {
            let mark = fake::mark_in(text);
            let stdout = format!("\u{1e}{mark} exit 0\n\u{1e}{mark} file 1 ?\n\u{1e}{mark} end\n");
            let stderr = format!("\u{1e}{mark}\n").leak();
            (stdout.into_bytes(), stderr, 0)
        });
        let mut bundle = of_one_file();
        bundle.files_out.push("/C:/a/output".to_owned());
        let running = channel.run_bundle(&bundle).await.unwrap();
        let error = running.finish().await.unwrap_err().to_string();
        assert!(
            error.contains(r"`C:\a\output` came back garbled"),
            "{error}"
        );
    }
    fn of_one_file() -> Bundle {
        Bundle {
            files_in: Vec::new(),
            environment: Vec::new(),
            search_path: None,
            directory: "/C:/a".to_owned(),
            command: vec!["x".to_owned()],
            exit_file: None,
            files_out: vec!["/C:/a/env".to_owned()],
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_guest_may_be_silent_while_the_program_runs_and_not_before_or_after() {
        const SHORT: Duration = Duration::from_secs(10);
        let told = |error: ChannelError| error.to_string();
        let finished = async |channel: DialectChannel| {
            let running = channel.run_bundle(&of_one_file()).await.unwrap();
            running.finish().await
        };
        let before = finished(fake::silent()).await.map_err(told).unwrap_err();
        assert!(
            before.contains("taken nothing for 0 s while a step's files"),
            "{before}"
        );
        let channel = fake::halting(|_| Vec::new()).patience(SHORT);
        let during = tokio::time::timeout(SHORT * 5, finished(channel)).await;
        assert!(during.is_err(), "{during:?}");
        let channel = fake::halting(|mark| format!("\u{1e}{mark} exit 0\n").into()).patience(SHORT);
        let after = finished(channel).await.map_err(told).unwrap_err();
        assert!(
            after.contains("sent nothing for 10 s while a step's files"),
            "{after}"
        );
    }
}
