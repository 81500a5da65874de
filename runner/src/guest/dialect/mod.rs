//! How commands are put to a kind of guest. Everything that differs between a POSIX shell, PowerShell
//! and `cmd.exe` is in here, as text made by pure functions; channels only carry it.

mod posix;

use crate::guest::bundle::Bundle;
use crate::guest::command::{GuestCommand, Signal};
use crate::guest::profile::{DialectKind, PathStyle};

/// A line for the login shell, and what goes in on its standard input before anything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The line. It is visible inside the guest, so no secret is in it.
    pub line: String,
    /// Text for its standard input.
    pub preamble: String,
}

/// The words of one kind of guest.
pub trait Dialect: Send + Sync + std::fmt::Debug {
    /// How it writes paths in its own words.
    fn paths(&self) -> PathStyle;
    /// Runs a command. Its standard input is what follows the preamble; `tag` marks its processes.
    fn command(&self, command: &GuestCommand, tag: &str) -> Request;
    /// Runs a bundle, its results marked with `mark`.
    fn bundle(&self, bundle: &Bundle, mark: &str, tag: &str) -> Request;
    /// Signals every process that carries a tag.
    fn signal(&self, tag: &str, signal: Signal) -> Request;
    /// Ends every process whose environment holds a variable with this value, both of which are made of
    /// letters, digits and `_`. Prints the name of each, one a line.
    fn end_marked(&self, variable: &str, value: &str) -> Request;
    /// Ends with success if the shell of the cheapest kind runs.
    fn probe(&self) -> Request;
    /// Makes directories, and their parents.
    fn make_directories(&self, directories: &[String]) -> Request;
    /// Unpacks the tar file on its standard input into a directory, which is made.
    fn unpack(&self, directory: &str) -> Request;
    /// Lists everything below the directory that `start` leads to from `directory`, name by name, in
    /// whatever case; nothing if there is none. It ends with 1 if it could not look everywhere. See
    /// [`Listing`].
    fn list(&self, directory: &str, start: &[String]) -> Request;
    /// Packs the files of a directory whose names come on standard input, each ended by a NUL byte,
    /// as a tar file on standard output. What can't be read is left out and said on standard error.
    fn pack(&self, directory: &str) -> Request;
    /// Packs everything below the directory that `start` leads to from `directory`, name by name, in
    /// whatever case; nothing if there is none. It ends with 2 if it could not read something, which it
    /// says on standard error.
    fn pack_all(&self, directory: &str, start: &[String]) -> Request;
    /// Prints for each of a directory's files, whose names come on standard input and end with a NUL
    /// byte, its SHA-256 in hexadecimal, two spaces, its name and a NUL byte, in that order. One that
    /// can't be read is left out.
    fn digest(&self, directory: &str) -> Request;
}

/// One entry of what [`Dialect::list`] prints: `TYPE SIZE NAME` and a NUL byte, with `TYPE` one of
/// `f` (a file), `d`, `l` or another letter, and `NAME` below the directory with `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What it is.
    pub kind: char,
    /// In bytes.
    pub size: u64,
    /// The name as bytes: a guest's names need not be text.
    pub name: Vec<u8>,
}

/// Reads one entry of a listing, without its NUL byte; none if it is not in the agreed form.
pub fn parse_listing(entry: &[u8]) -> Option<Listing> {
    let mut parts = entry.splitn(3, |&byte| byte == b' ');
    let kind = parts.next()?;
    let size = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
    let name = parts.next()?;
    let name = below_here(name).to_vec();
    (kind.len() == 1).then(|| Listing {
        kind: char::from(kind[0]),
        size,
        name,
    })
}

/// A name without the words for "here" that a guest may put in front of it.
pub fn below_here(name: &[u8]) -> &[u8] {
    trim_start(name, b"./")
}

fn trim_start<'a>(mut name: &'a [u8], prefix: &[u8]) -> &'a [u8] {
    while let Some(rest) = name
        .strip_prefix(prefix)
        .or_else(|| name.strip_prefix(b"/"))
    {
        name = rest;
    }
    name
}

/// The dialect that a guest's profile names.
pub fn of(kind: DialectKind) -> Box<dyn Dialect> {
    match kind {
        DialectKind::Posix => Box::new(posix::Posix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listings_are_read_with_odd_names_and_refused_when_broken() {
        let listing = parse_listing(b"f 12 .//./a b\n\xff").unwrap();
        assert_eq!((listing.kind, listing.size), ('f', 12));
        assert_eq!(listing.name, b"a b\n\xff");
        for broken in [&b""[..], b"f", b"f x y", b"ff 1 y", b"f 1"] {
            assert_eq!(parse_listing(broken), None);
        }
    }
}
