//! `dormer expr`: what one expression comes to.

use std::path::Path;

use dormer_workflow::SourceFile;
use dormer_workflow::expr::answer;

use crate::cli::args::{ExprArguments, ValueFormat};
use crate::cli::output;
use crate::exit_code;
use crate::failure::{Failure, InputError};
use crate::source::tree::{read_named, read_standard_input};

/// What a file of contexts is called in messages.
const CONTEXTS: &str = "the contexts";

pub(super) fn expr(arguments: &ExprArguments) -> Result<u8, Failure> {
    let contexts = arguments.context.as_deref().map(contexts).transpose()?;
    match answer(&arguments.expression, contexts.as_ref()) {
        Ok(answer) => {
            output::line(&match arguments.format {
                ValueFormat::Human => answer.text(),
                ValueFormat::Json => answer.to_json(),
            })?;
            Ok(exit_code::SUCCESS)
        }
        Err(error) => {
            output::error(&error.render());
            Ok(exit_code::PROBLEMS)
        }
    }
}

fn contexts(path: &Path) -> Result<SourceFile, InputError> {
    if path == Path::new("-") {
        read_standard_input(CONTEXTS)
    } else {
        read_named(path, CONTEXTS)
            .map_err(|error| error.help("`--context -` reads what another program prints"))
    }
}
