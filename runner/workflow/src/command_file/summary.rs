//! `GITHUB_STEP_SUMMARY`: Markdown, masked line by line.

use super::{CommandFileError, SUMMARY_LIMIT, decode};

/// Why a summary is not shown: an error annotation, which fails nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SummaryError {
    /// A file beyond [`SUMMARY_LIMIT`], in bytes.
    #[error(
        "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of {limit}k, got \
         {got}k. For more information see: \
         https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions#adding-a-markdown-summary",
        limit = SUMMARY_LIMIT / 1024,
        got = .0 / 1024
    )]
    TooLarge(usize),
    /// A file beyond what is read of any command file.
    #[error(transparent)]
    Unreadable(#[from] CommandFileError),
}

/// The lines of a summary, without their ends. They are what the official runner masks one by one,
/// so that a secret of several lines is found in them by its lines; joined by line ends, they are
/// the Markdown. No lines are no summary.
///
/// # Errors
///
/// That the file is too large.
pub fn parse_summary(bytes: &[u8]) -> Result<Vec<String>, SummaryError> {
    if bytes.len() > SUMMARY_LIMIT {
        return Err(SummaryError::TooLarge(bytes.len()));
    }
    let text = decode::text(bytes)?;
    Ok(lines(&text).map(str::to_owned).collect())
}

/// Lines as .NET's readers see them: LF, CRLF and a lone CR end one, and what follows the last end
/// is a line only where there is something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n').flat_map(|line| {
        let line = line
            .strip_suffix('\n')
            .map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        // A lone CR at the very end ends a line and begins none.
        line.strip_suffix('\r').unwrap_or(line).split('\r')
    })
}
