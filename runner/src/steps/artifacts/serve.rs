//! A step that uploads or downloads artifacts.

use futures_util::future::BoxFuture;

use crate::event::{Conclusion, Level, Stream};
use crate::steps::artifacts::download::{self, Download, OwnRun};
use crate::steps::artifacts::upload::{self, NoneFound, Upload};
use crate::steps::artifacts::{Kept, Service, inputs};
use crate::steps::executor::Executor;
use crate::steps::frame::Frame;
use crate::steps::guest_file;
use crate::steps::in_time::InTime;
use crate::steps::state::Variables;
use crate::steps::turn::{Here, StepEnd};

impl Executor<'_> {
    /// Does what the step asks for, within its time.
    pub(in crate::steps) fn serve_artifacts<'f>(
        &'f self,
        frame: &'f Frame<'_>,
        here: &'f Here,
        service: Service,
        given: &'f [(String, String)],
    ) -> BoxFuture<'f, StepEnd> {
        Box::pin(async move {
            let given: Variables = given.iter().cloned().collect();
            let serving = async {
                match service {
                    Service::Upload => self.upload(frame, &given).await,
                    Service::Download => self.download(frame, &given).await,
                    Service::Merge => Err(
                        "actions/upload-artifact/merge is not supported: download the \
                                           artifacts with `merge-multiple: true` and upload what comes"
                            .to_owned(),
                    ),
                }
            };
            match self.in_time(frame, here, serving).await {
                InTime::Done(Ok(outputs)) => StepEnd {
                    outputs,
                    ..StepEnd::plain(Conclusion::Success)
                },
                InTime::Done(Err(why)) => self.failed(why).unanswered(),
                InTime::Stopped(end) => end,
            }
        })
    }

    async fn upload(&self, frame: &Frame<'_>, given: &Variables) -> Result<Variables, String> {
        self.warn_of_others("actions/upload-artifact", given, &upload::KNOWN);
        let wanted = Upload::asked(given)?;
        let Some(kept) = self.artifacts.upload(&wanted).await? else {
            let text = wanted.nothing_found();
            match wanted.none_found {
                NoneFound::Error => return Err(text),
                NoneFound::Warn => self.tell(Level::Warning, &text),
                NoneFound::Ignore => self.say(frame, &text).await,
            }
            return Ok(Variables::default());
        };
        self.say(frame, &format!("uploaded {}", described(&kept)))
            .await;
        let mut outputs = Variables::default();
        outputs.set("artifact-id", kept.id.to_string());
        outputs.set("artifact-url", self.url(&kept));
        outputs.set("artifact-digest", kept.digest);
        Ok(outputs)
    }

    async fn download(&self, frame: &Frame<'_>, given: &Variables) -> Result<Variables, String> {
        self.warn_of_others("actions/download-artifact", given, &download::KNOWN);
        let run = &self.facts.run;
        let own = OwnRun {
            repository: &run.repository,
            id: &run.run_id,
        };
        let asked = Download::asked(given, own)?;
        let path = asked.path.as_deref().unwrap_or_default();
        let directory = guest_file::absolute(path, &self.facts.workspace);
        let directory = without_end(&directory).to_owned();
        let chosen = asked.choose(&self.artifacts.kept(), &directory)?;
        if chosen.is_empty() {
            self.tell(
                Level::Warning,
                "no artifact of this run is meant: nothing was downloaded",
            );
        }
        for (kept, directory) in &chosen {
            self.artifacts.download(kept, directory).await?;
            self.say(
                frame,
                &format!("downloaded {} to {directory}", described(kept)),
            )
            .await;
        }
        let mut outputs = Variables::default();
        outputs.set("download-path", directory);
        Ok(outputs)
    }

    fn warn_of_others(&self, action: &str, given: &Variables, known: &[&str]) {
        for name in inputs::others(given, known) {
            let text = format!("{action}: the input `{name}` has no effect");
            self.tell(Level::Warning, &text);
        }
    }

    /// A line of the step's output.
    async fn say(&self, frame: &Frame<'_>, text: &str) {
        let text = self.masker.mask(text).replace(['\r', '\n'], " ");
        self.events
            .log(frame.number, Stream::Stdout, vec![text])
            .await;
    }

    /// Of GitHub's form. It leads nowhere: a guest need not know where artifacts are on this host.
    fn url(&self, kept: &Kept) -> String {
        let run = &self.facts.run;
        format!(
            "{}/{}/actions/runs/{}/artifacts/{}",
            run.server_url, run.repository, run.run_id, kept.id
        )
    }
}

/// A directory without separators at its end; a drive keeps its own.
fn without_end(directory: &str) -> &str {
    let trimmed = directory.trim_end_matches('\\');
    if trimmed.is_empty() || trimmed.ends_with(':') {
        directory
    } else {
        trimmed
    }
}

fn described(kept: &Kept) -> String {
    let plural = if kept.files == 1 { "" } else { "s" };
    format!(
        "`{}`: {} file{plural}, {} bytes (id {})",
        kept.name, kept.files, kept.bytes, kept.id
    )
}
