//! `--warm-after`: the templates that machines of a run booted for want of, made when the run is over.
//!
//! The process stays until they are made. A child that outlived it would be ended by most CI systems when the
//! step is over, half-way and leaving a machine behind; and one that they do not find would use memory and
//! processors that others count on. So whoever does not want to wait ends it, which removes what was made so
//! far.

use crate::cli::workshop::Equipped;
use crate::cli::{output, warm};
use crate::host::signals::Cancel;
use crate::job::warm::{Made, Making};
use crate::mask::Masker;

/// Makes templates, and tells what comes of it. Nothing of that changes how the run ended.
pub(super) async fn make(
    equipped: &Equipped,
    missing: Vec<Making>,
    cancel: &Cancel,
    masker: &Masker,
) {
    for making in missing {
        if cancel.is_requested() {
            return;
        }
        output::note(&format!(
            "the run is over; the template that it booted for want of is made now, from a fresh boot of `{}` \
             (Ctrl-C leaves it out, and the exit code as it is)",
            making.order.image_name
        ));
        match warm::make(equipped, &making, cancel, masker.clone()).await {
            Ok(Made::Template(template)) => {
                output::note(&format!("made the template {}", template.key().short()));
            }
            Ok(Made::Stopped) => output::note("stopped; no template was made"),
            Ok(Made::Unprepared(exit_code)) => {
                output::warning(&warm::unprepared(&making, exit_code));
            }
            Err(failure) => {
                let text = format!("no template could be made: {}", failure.message());
                let help = failure.help().map(|help| format!(" ({help})"));
                let text = text + &help.unwrap_or_default();
                output::warning(&masker.mask(&text));
            }
        }
    }
}
