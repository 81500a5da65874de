//! Bytes to text, as .NET's file readers do it.
//!
//! A byte-order mark decides, and is not part of the text; without one it is UTF-8. Bytes that are
//! no text become U+FFFD. Windows PowerShell writes UTF-16 with a mark unless told otherwise, which
//! is why this matters.

use std::borrow::Cow;

use super::{CommandFileError, FILE_LIMIT};

/// The text of a file.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, CommandFileError> {
    if bytes.len() > FILE_LIMIT {
        return Err(CommandFileError::TooLarge(bytes.len()));
    }
    Ok(match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        // The mark of UTF-32LE begins with that of UTF-16LE.
        [0xff, 0xfe, 0, 0, rest @ ..] => utf32(rest, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, rest @ ..] => utf32(rest, u32::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes),
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'_, str> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|&pair| unit(pair));
    let decoded = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    decoded.chain(incomplete(rest)).collect::<String>().into()
}

fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> Cow<'_, str> {
    let (quads, rest) = bytes.as_chunks::<4>();
    let decoded = quads
        .iter()
        .map(|&quad| char::from_u32(unit(quad)).unwrap_or(char::REPLACEMENT_CHARACTER));
    decoded.chain(incomplete(rest)).collect::<String>().into()
}

/// Bytes at the end that make no whole character.
fn incomplete(rest: &[u8]) -> Option<char> {
    (!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER)
}
