//! `dormer ps`: the machines that there are, and what they take of the host.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::args::ListFormat;
use crate::cli::output;
use crate::cli::workshop::{self, Base};
use crate::exit_code;
use crate::failure::Failure;
use crate::host::clock::pause;
use crate::host::home::Home;
use crate::instance::kept::{self, Listed, is_expired};
use crate::instance::usage::{Sample, Usage, Watch};
use crate::report::style::duration;
use crate::vmm::engine::Engine;

/// How far apart the two looks are that tell how busy a machine is.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);
/// How often it is looked again while somebody watches.
const EVERY: Duration = Duration::from_secs(2);

const HEAD: [&str; 12] = [
    "ID",
    "STATE",
    "JOB",
    "IMAGE",
    "AGE",
    "CPU",
    "MEMORY",
    "PRIVATE",
    "SHARED",
    "DISK",
    "NET IN/OUT",
    "ENDS IN",
];

pub(super) async fn list(format: ListFormat, watch: bool) -> Result<u8, Failure> {
    let base = Base::look()?;
    let mut view = View {
        home: base.home,
        format,
        engine: None,
        watch: Watch::default(),
    };
    if watch {
        return view.go_on().await;
    }
    let machines = kept::list(&view.home)?;
    if machines.is_empty() && format == ListFormat::Human {
        output::note("nothing runs and nothing was kept");
        return Ok(exit_code::SUCCESS);
    }
    if !machines.is_empty() {
        view.connect().await;
        view.look(&machines).await;
        pause(BETWEEN_LOOKS).await;
    }
    // The list is read anew: a machine may have ended in between.
    let text = view.text(Layout::Whole).await?;
    output::bytes(text.as_bytes())?;
    Ok(exit_code::SUCCESS)
}

/// What is looked at, and how it is shown.
struct View {
    home: Home,
    format: ListFormat,
    /// Whoever knows what machines take. None where it can't be asked, which is told once.
    engine: Option<Engine>,
    watch: Watch,
}

/// How JSON is laid out.
#[derive(Clone, Copy)]
enum Layout {
    /// For itself.
    Whole,
    /// One list of many, in a line of its own.
    Line,
}

impl View {
    async fn connect(&mut self) {
        match Engine::connect().await {
            Ok(engine) => self.engine = Some(engine),
            Err(failure) => output::warning(&format!(
                "what the machines take of processors, memory and network is not known: {}",
                failure.message()
            )),
        }
    }

    /// Shows the machines until somebody asks to stop, or nobody reads any more.
    async fn go_on(mut self) -> Result<u8, Failure> {
        let cancel = workshop::cancel_on_signals()?;
        let redraws = self.format == ListFormat::Human && redraws();
        tokio::select! {
            ended = self.show_again_and_again(redraws) => ended.map(|()| exit_code::SUCCESS),
            () = cancel.requested() => Ok(exit_code::CANCELLED),
        }
    }

    /// Until nobody reads any more.
    async fn show_again_and_again(&mut self, redraws: bool) -> Result<(), Failure> {
        self.connect().await;
        loop {
            let text = self.text(Layout::Line).await?;
            if !show(&text, redraws)? {
                return Ok(());
            }
            pause(EVERY).await;
        }
    }

    async fn look(&mut self, machines: &[Listed]) -> Vec<Usage> {
        let engine = self.engine.as_ref();
        self.watch.look(engine, &self.home, machines).await
    }

    async fn text(&mut self, layout: Layout) -> Result<String, Failure> {
        let machines = kept::list(&self.home)?;
        let usages = self.look(&machines).await;
        let now = Timestamp::now();
        let each = || machines.iter().zip(&usages);
        if self.format == ListFormat::Human {
            let rows = each().map(|(one, usage)| to_row(one, usage, now)).collect();
            return Ok(output::table_text(&HEAD, rows));
        }
        let list: Vec<Value> = each()
            .map(|(one, usage)| to_json(one, usage, now))
            .collect();
        let text = match layout {
            Layout::Whole => serde_json::to_string_pretty(&list),
            Layout::Line => serde_json::to_string(&list),
        };
        // A list of texts and numbers always has a form in JSON.
        Ok(text.unwrap_or_default() + "\n")
    }
}

/// Whether what was shown can be drawn over.
fn redraws() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    io::stdout().is_terminal() && !is_dumb
}

/// Shows one list, in place of the one before where that can be; false if nobody reads any more.
fn show(text: &str, redraws: bool) -> Result<bool, Failure> {
    const ANEW: &str = "\u{1b}[H\u{1b}[2J";
    let begin = if redraws { ANEW } else { "" };
    let mut out = io::stdout().lock();
    let written = out
        .write_all(format!("{begin}{text}").as_bytes())
        .and_then(|()| out.flush());
    let is_read = written.is_ok();
    output::printed(written)?;
    Ok(is_read)
}

/// What people should think of a machine's state.
fn state(one: &Listed, now: Timestamp) -> &'static str {
    if one.held {
        return one.record.state.as_str();
    }
    match one.record.state {
        state if !is_expired(&one.record, now) => state.as_str(),
        state if state.outlives_its_process() => "expired",
        _ => "abandoned",
    }
}

fn to_row(one: &Listed, usage: &Usage, now: Timestamp) -> Vec<String> {
    let record = &one.record;
    let sample = usage.sample.as_ref();
    let size = |of: Option<u64>| of.map_or_else(unknown, bytes);
    let network = sample.and_then(|sample| Some((sample.received?, sample.sent?)));
    vec![
        record.id.clone(),
        state(one, now).to_owned(),
        record.job.clone(),
        record.image_name.clone(),
        span(record.created, now),
        usage
            .cpu_percent
            .map_or_else(unknown, |percent| format!("{percent:.0} %")),
        size(sample.and_then(|sample| sample.memory)),
        size(sample.and_then(|sample| sample.private)),
        size(sample.and_then(|sample| sample.shared)),
        bytes(usage.disk),
        network.map_or_else(unknown, |(received, sent)| {
            format!("{} / {}", bytes(received), bytes(sent))
        }),
        record
            .expires
            .map_or_else(unknown, |expires| span(now, expires)),
    ]
}

fn unknown() -> String {
    "-".to_owned()
}

fn bytes(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

fn to_json(one: &Listed, usage: &Usage, now: Timestamp) -> Value {
    let record = &one.record;
    let sample = usage.sample.as_ref();
    let counter = |of: fn(&Sample) -> Option<u64>| sample.and_then(of);
    let cpu = sample.and_then(|sample| sample.cpu);
    json!({
        "id": record.id,
        "state": state(one, now).replace(' ', "_"),
        "job": record.job,
        "image": record.image_name,
        "image_digest": record.image.to_string(),
        "created": record.created,
        "expires": record.expires,
        "process": one.held.then_some(record.process.id),
        "age_s": now.duration_since(record.created).as_secs().max(0),
        "cpu_percent": usage.cpu_percent.map(|percent| (percent * 10.0).round() / 10.0),
        "cpu_time_s": cpu.map(|cpu| cpu.as_secs_f64()),
        "memory_bytes": counter(|sample| sample.memory),
        "memory_private_bytes": counter(|sample| sample.private),
        "memory_shared_bytes": counter(|sample| sample.shared),
        "disk_bytes": usage.disk,
        "network_received_bytes": counter(|sample| sample.received),
        "network_sent_bytes": counter(|sample| sample.sent),
        "claim": {
            "memory_bytes": record.claim.memory,
            "cpus": record.claim.cpus,
            "disk_bytes": record.claim.disk,
            "pinned_cpus": record.claim.pinned,
        },
    })
}

fn span(from: Timestamp, to: Timestamp) -> String {
    let milliseconds = to
        .as_millisecond()
        .saturating_sub(from.as_millisecond())
        .max(0);
    duration(milliseconds.unsigned_abs())
}
