//! A step as one bundle: files in, environment, directory, command, files out, in one round trip. The
//! result comes back behind the command's own output, each part marked with a word made for this bundle
//! alone, so that no output holds it by chance. It is no secret from the command itself, which runs as
//! the same user as the shell that reports on it and can read it there: a step can forge its own result,
//! as it can choose its own exit code, and no other's.
//!
//! ```text
//!   standard output:  … the command's output … ␞MARK exit 0\n
//!                     ␞MARK file 3 BASE64\n …
//!                     ␞MARK end\n
//!   standard error:   … the command's output … ␞MARK\n
//! ```
//!
//! The mark begins with a control character (record separator), which output rarely ends with: what
//! might be the beginning of a mark has to be held back, and a line's end must not be.
//!
//! A child that the command left behind may go on printing in between. It does no harm: each marked
//! line is written at once, what stands between marks after the exit is dropped, so is a marked line that
//! does not end, and the bundle is over when its end mark came on both streams, whoever else holds them
//! open.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::guest::profile::SearchPath;

/// A command with everything that it takes and leaves.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Files to write first. Paths are as the dialect writes them; their directories exist.
    pub files_in: Vec<FileIn>,
    /// Variables on top of the guest's own.
    pub environment: Vec<(String, String)>,
    /// Directories to look for programs in first, already joined, with the variable to put them in.
    pub search_path: Option<(SearchPath, String)>,
    /// The working directory.
    pub directory: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// A file that the program leaves its exit code in, where its status can't carry all of it.
    pub exit_file: Option<String>,
    /// Files to read afterwards; one that is missing or empty comes back empty.
    pub files_out: Vec<String>,
}

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileIn {
    /// Where.
    pub path: String,
    /// What.
    pub contents: String,
}

/// What a bundle came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleResult {
    /// The command's exit code.
    pub exit_code: u32,
    /// The contents of `files_out`, in their order.
    pub files_out: Vec<Vec<u8>>,
}

/// How a bundle ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleEnd {
    /// The command ran to its end.
    Done(BundleResult),
    /// It never ran: this part of the preparation failed.
    Failed(String),
    /// It ran, and one of `files_out`, by its place among them, can't be taken.
    NotTaken(usize, NotTaken),
}

/// Why a file does not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// With this file there is more than the host keeps.
    TooLarge,
    /// What came is not base64.
    Garbled,
}

impl std::fmt::Display for NotTaken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge => write!(
                f,
                "is too large: the files that it hands back have more than {} MiB",
                FILES_OUT_LIMIT >> 20
            ),
            Self::Garbled => f.write_str("came back garbled"),
        }
    }
}

/// Limits what a hostile guest can make the host keep, in bytes of all files of a bundle together.
const FILES_OUT_LIMIT: usize = 64 << 20;

/// Takes the two streams of a bundle apart.
#[derive(Debug)]
pub struct BundleParser {
    stdout: Cutter,
    stderr: Cutter,
    exit_code: Option<u32>,
    failed: Option<String>,
    files: Vec<String>,
    kept: usize,
    too_large: Option<usize>,
    ended: bool,
}

impl BundleParser {
    /// A parser for a bundle with this mark and so many files out.
    pub fn new(mark: &str, files_out: usize) -> Self {
        Self {
            stdout: Cutter::new(mark),
            stderr: Cutter::new(mark),
            exit_code: None,
            failed: None,
            files: vec![String::new(); files_out],
            kept: 0,
            too_large: None,
            ended: false,
        }
    }

    /// Takes a piece of standard output; returns what the command printed of it.
    pub fn stdout(&mut self, piece: &[u8]) -> Vec<u8> {
        let shown = self.stdout.push(piece);
        while let Some(line) = self.stdout.next_line() {
            self.take(&line);
        }
        self.stdout.forget_noise();
        shown
    }

    /// Takes a piece of standard error; returns what the command printed of it.
    pub fn stderr(&mut self, piece: &[u8]) -> Vec<u8> {
        let shown = self.stderr.push(piece);
        self.stderr.forget_after_cut();
        shown
    }

    /// The end, once both streams have reached it, or when there is no use in waiting for that.
    pub fn end(&self) -> Option<BundleEnd> {
        if let Some(index) = self.too_large {
            return Some(BundleEnd::NotTaken(index, NotTaken::TooLarge));
        }
        if !(self.ended && self.stderr.is_cut()) {
            return None;
        }
        if let Some(what) = &self.failed {
            return Some(BundleEnd::Failed(what.clone()));
        }
        let exit_code = self.exit_code?;
        Some(match self.decode() {
            Ok(files_out) => BundleEnd::Done(BundleResult {
                exit_code,
                files_out,
            }),
            Err(index) => BundleEnd::NotTaken(index, NotTaken::Garbled),
        })
    }

    /// The contents of the files, or the place of the first that can't be read.
    fn decode(&self) -> Result<Vec<Vec<u8>>, usize> {
        let files = self.files.iter().enumerate();
        files
            .map(|(index, text)| STANDARD.decode(text).map_err(|_| index))
            .collect()
    }

    /// Whether the command has ended: what still comes is of the shell that reports on it.
    pub fn has_exited(&self) -> bool {
        self.exit_code.is_some() || self.failed.is_some()
    }

    /// What was held back, when a stream ends without its mark.
    pub fn rest(&mut self) -> (Vec<u8>, Vec<u8>) {
        (self.stdout.rest(), self.stderr.rest())
    }

    fn take(&mut self, line: &str) {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match kind {
            "exit" if self.exit_code.is_none() => self.exit_code = rest.trim().parse().ok(),
            "failed" => self.failed = Some(rest.to_owned()),
            "file" => self.take_file(rest),
            "end" => self.ended = true,
            _ => {}
        }
    }

    fn take_file(&mut self, rest: &str) {
        let Some((index, text)) = rest.split_once(' ') else {
            return;
        };
        let Some((index, file)) = index
            .parse::<usize>()
            .ok()
            .and_then(|index| Some((index, self.files.get_mut(index)?)))
        else {
            return;
        };
        // Four characters of base64 are three bytes.
        self.kept += text.len() / 4 * 3;
        if self.kept > FILES_OUT_LIMIT {
            self.too_large.get_or_insert(index);
        } else {
            file.push_str(text);
        }
    }
}

/// What every mark begins with: the control character "record separator".
pub const MARK_START: char = '\u{1e}';

/// Cuts a stream where the mark first comes.
#[derive(Debug)]
struct Cutter {
    /// The mark with what it begins with.
    needle: Vec<u8>,
    /// Before the cut: what might be the needle's beginning. After it: what is not a whole line yet.
    held: Vec<u8>,
    cut: bool,
}

/// The longest marked line that is put together; what is longer is no line of ours.
const LONGEST_LINE: usize = 64 << 10;

impl Cutter {
    fn new(mark: &str) -> Self {
        let needle = format!("{MARK_START}{mark}").into_bytes();
        Self {
            needle,
            held: Vec::new(),
            cut: false,
        }
    }

    fn is_cut(&self) -> bool {
        self.cut
    }

    fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        if self.cut {
            self.held.extend_from_slice(piece);
            return Vec::new();
        }
        // The usual case copies nothing twice: nothing held, no mark, no beginning of one.
        let joined = if self.held.is_empty() {
            piece.to_vec()
        } else {
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(piece);
            joined
        };
        if let Some(at) = find(&joined, &self.needle) {
            self.cut = true;
            self.held = joined[at..].to_vec();
            return joined[..at].to_vec();
        }
        let undecided = beginning_at_end(&joined, &self.needle);
        let mut shown = joined;
        self.held = shown.split_off(undecided);
        shown
    }

    /// The next marked line after the cut, without its mark.
    fn next_line(&mut self) -> Option<String> {
        if !self.cut {
            return None;
        }
        let start = find(&self.held, &self.needle)?;
        let end = start + memchr::memchr(b'\n', &self.held[start..])?;
        // A line's own mark is its last one: an earlier one has been left without its line's end.
        let line = &self.held[start..end];
        let last = memchr::memmem::rfind(line, &self.needle).unwrap_or_default();
        let line = String::from_utf8_lossy(&line[last + self.needle.len()..])
            .trim()
            .to_owned();
        self.held.drain(..=end);
        Some(line)
    }

    /// Once no whole line is left: what is neither marked nor the beginning of a mark need not be kept,
    /// nor what is marked and goes on for longer than any line of ours.
    fn forget_noise(&mut self) {
        if !self.cut || self.held.len() <= LONGEST_LINE {
            return;
        }
        let length = self.held.len();
        let kept = match memchr::memmem::rfind(&self.held, &self.needle) {
            Some(last) if length - last <= LONGEST_LINE => last,
            _ => beginning_at_end(&self.held, &self.needle),
        };
        self.held.drain(..kept);
    }

    /// What comes after the cut is of no use on a stream that carries no lines.
    fn forget_after_cut(&mut self) {
        if self.cut {
            self.held = Vec::new();
        }
    }

    fn rest(&mut self) -> Vec<u8> {
        if self.cut {
            Vec::new()
        } else {
            std::mem::take(&mut self.held)
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// Where the needle may begin and not be complete yet; the length if nowhere.
fn beginning_at_end(bytes: &[u8], needle: &[u8]) -> usize {
    let first = bytes.len().saturating_sub(needle.len() - 1);
    (first..bytes.len())
        .find(|&start| needle.starts_with(&bytes[start..]))
        .unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MARK: &str = "0123456789abcdef";

    fn stream() -> String {
        format!(
            "hello\nworld\n\u{1e}{MARK} exit 3221225477\nnoise\n\u{1e}{MARK} file 1 aGV\nmore noise\
             \u{1e}{MARK} file 1 sbG8=\n\n\u{1e}{MARK} end\n"
        )
    }

    #[test]
    fn a_result_is_found_behind_output_and_between_noise() {
        let mut parser = BundleParser::new(MARK, 2);
        assert_eq!(parser.stdout(stream().as_bytes()), b"hello\nworld\n");
        assert_eq!(parser.end(), None);
        let stderr = format!("warning\u{1e}{MARK}\n");
        assert_eq!(parser.stderr(stderr.as_bytes()), b"warning");
        let files_out = vec![Vec::new(), b"hello".to_vec()];
        let result = BundleResult {
            exit_code: 0xC000_0005,
            files_out,
        };
        assert_eq!(parser.end(), Some(BundleEnd::Done(result)));
    }

    #[test]
    fn a_finished_line_is_not_held_back() {
        let mut parser = BundleParser::new(MARK, 0);
        assert_eq!(parser.stdout(b"waiting\n"), b"waiting\n");
        assert_eq!(parser.stdout(b"done \x1e01"), b"done ");
        assert_eq!(parser.stdout(b"x"), b"\x1e01x");
    }

    #[test]
    fn output_without_a_mark_is_output() {
        let mut parser = BundleParser::new(MARK, 0);
        let text = format!("{MARK} exit 0\nx{MARK} end\n\u{1e}{}", &MARK[..5]);
        let mut shown = parser.stdout(text.as_bytes());
        shown.extend(parser.rest().0);
        assert_eq!(shown, text.as_bytes());
        assert_eq!(parser.end(), None);
    }

    #[test]
    fn noise_after_the_end_of_the_command_is_not_kept() {
        let mut parser = BundleParser::new(MARK, 0);
        parser.stdout(format!("\u{1e}{MARK} exit 0\n").as_bytes());
        for _ in 0..100 {
            parser.stdout(&[b'x'; LONGEST_LINE]);
        }
        assert!(parser.stdout.held.len() <= 2 * LONGEST_LINE);
        parser.stdout(format!("\u{1e}{MARK} end\n").as_bytes());
        parser.stderr(format!("\u{1e}{MARK}\n").as_bytes());
        assert!(parser.end().is_some());
    }

    #[test]
    fn a_marked_line_that_does_not_end_is_dropped() {
        let mut parser = BundleParser::new(MARK, 1);
        parser.stdout(format!("\u{1e}{MARK} file 0 ").as_bytes());
        for _ in 0..100 {
            parser.stdout(&[b'A'; LONGEST_LINE]);
            assert!(parser.stdout.held.len() <= LONGEST_LINE);
        }
        parser.stdout(format!("A\u{1e}{MARK} exit 7\n\u{1e}{MARK} end\n").as_bytes());
        parser.stderr(format!("\u{1e}{MARK}").as_bytes());
        for _ in 0..100 {
            parser.stderr(&[b'x'; LONGEST_LINE]);
            assert_eq!(parser.stderr.held.len(), 0);
        }
        let result = BundleResult {
            exit_code: 7,
            files_out: vec![Vec::new()],
        };
        assert_eq!(parser.end(), Some(BundleEnd::Done(result)));
    }

    #[test]
    fn a_file_that_cannot_be_taken_is_told_by_its_place() {
        let mut parser = BundleParser::new(MARK, 2);
        let text = format!("\u{1e}{MARK} exit 0\n\u{1e}{MARK} file 1 a?b\n\u{1e}{MARK} end\n");
        parser.stdout(text.as_bytes());
        parser.stderr(format!("\u{1e}{MARK}\n").as_bytes());
        let garbled = BundleEnd::NotTaken(1, NotTaken::Garbled);
        assert_eq!(parser.end(), Some(garbled));

        let mut parser = BundleParser::new(MARK, 2);
        let line = format!("\u{1e}{MARK} file 1 {}\n", "A".repeat(60_000));
        let lines = FILES_OUT_LIMIT / 45_000;
        parser.stdout(format!("\u{1e}{MARK} exit 0\n").as_bytes());
        for _ in 0..lines {
            parser.stdout(line.as_bytes());
        }
        assert_eq!(parser.end(), None);
        // It may never end: nothing is waited for.
        parser.stdout(line.as_bytes());
        let too_large = BundleEnd::NotTaken(1, NotTaken::TooLarge);
        assert_eq!(parser.end(), Some(too_large));
    }

    proptest! {
        #[test]
        fn splits_do_not_matter(cuts in proptest::collection::vec(0usize..200, 0..12)) {
            let text = stream();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut parser = BundleParser::new(MARK, 2);
            let mut shown = Vec::new();
            for pair in cuts.windows(2) {
                shown.extend(parser.stdout(&text.as_bytes()[pair[0]..pair[1]]));
            }
            parser.stderr(format!("\u{1e}{MARK}\n").as_bytes());
            prop_assert_eq!(shown, b"hello\nworld\n");
            let files_out = vec![Vec::new(), b"hello".to_vec()];
            let result = BundleResult { exit_code: 0xC000_0005, files_out };
            prop_assert_eq!(parser.end(), Some(BundleEnd::Done(result)));
        }
    }
}
