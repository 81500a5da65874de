//! What becomes of whole lines.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// What a line gives, in one line: `show | effect | effect`.
fn told(processed: &Processed<'_>) -> String {
    let kind = if processed.is_command { "" } else { "output " };
    let show = processed
        .show
        .as_deref()
        .map_or("-".to_owned(), |show| format!("{show:?}"));
    let mut out = format!("{kind}{show}");
    for effect in &processed.effects {
        out.push_str(&format!(" | {}", effect_told(effect)));
    }
    out
}

fn effect_told(effect: &Effect) -> String {
    match effect {
        Effect::Mask(secret) => format!("mask {secret:?}"),
        Effect::Annotation(annotation) => annotation_told(annotation),
        Effect::Output { name, value } => format!("output {name}={value:?}"),
        Effect::State { name, value } => format!("state {name}={value:?}"),
        Effect::SetEnv { name, value } => format!("env {name}={value:?}"),
        Effect::AddPath(path) => format!("path {path}"),
        Effect::AddMatcher { path } => format!("matcher {path}"),
        Effect::RemoveMatcher { owner } => format!("no matcher of {owner}"),
        Effect::RemoveMatchersOf { path } => format!("no matchers in {path}"),
        Effect::GroupStart(title) => format!("group {title:?}"),
        Effect::GroupEnd => "endgroup".to_owned(),
        Effect::Debug(text) => format!("debug {}", head(text)),
        Effect::Warn(text) => format!("warn {}", head(text)),
        Effect::Fail(text) => format!("fail {}", head(text)),
    }
}

fn annotation_told(annotation: &Annotation) -> String {
    let number = |number: Option<u32>| number.map_or("-".to_owned(), |n| n.to_string());
    format!(
        "{} {:?} {}:{}-{}:{}-{} [{}]",
        annotation.severity,
        annotation.message,
        annotation.file.as_deref().unwrap_or("-"),
        number(annotation.line),
        number(annotation.end_line),
        number(annotation.column),
        number(annotation.end_column),
        annotation.title.as_deref().unwrap_or("-"),
    )
}

/// The beginning of a long message.
fn head(text: &str) -> String {
    const LIMIT: usize = 45;
    if text.len() <= LIMIT {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(LIMIT).collect::<String>())
    }
}

/// What lines of one step give.
fn told_with(settings: CommandSettings, lines: &[&str]) -> Vec<String> {
    let mut commands = Commands::new(settings);
    lines
        .iter()
        .map(|line| told(&commands.process(line)))
        .collect()
}

fn one(line: &str) -> String {
    told_with(CommandSettings::default(), &[line]).remove(0)
}

#[test]
fn commands_of_both_forms_are_read() {
    for (line, expected) in [
        // The new form stands at the beginning, after blanks.
        ("::debug::x", "- | debug x"),
        (" \t ::debug::x y ", "- | debug x y "),
        ("::DeBuG::x", "- | debug x"),
        ("x ::debug::x", "output \"x ::debug::x\""),
        ("::debug:x", "output \"::debug:x\""),
        (":: debug::x", "output \":: debug::x\""),
        ("::debug ::x", "- | debug x"),
        ("::debug", "output \"::debug\""),
        ("::nope::x", "output \"::nope::x\""),
        ("::::", "output \"::::\""),
        ("::debug::a::b", "- | debug a::b"),
        ("::debug::", "- | debug "),
        (
            "::internal-set-repo-path repoFullName=a::x",
            "output \"::internal-set-repo-path repoFullName=a::x\"",
        ),
        ("", "output \"\""),
        // The old form stands anywhere.
        ("##[debug]x", "- | debug x"),
        ("a b ##[Debug]x", "- | debug x"),
        ("##[debug x", "output \"##[debug x\""),
        ("##[nope]##[debug]x", "output \"##[nope]##[debug]x\""),
        ("::nope::##[debug]x", "- | debug x"),
        ("##[debug]a]b", "- | debug a]b"),
        // What is escaped depends on the place.
        (
            "::debug::%0Aa%0D%25%3A%2C%3B%5D%0a",
            "- | debug \na\r%%3A%2C%3B%5D%0a",
        ),
        (
            "##[debug]%0Aa%0D%25%3A%2C%3B%5D",
            "- | debug \na\r%%3A%2C;]",
        ),
        ("::debug::%250A%%0", "- | debug %0A%%0"),
    ] {
        assert_eq!(one(line), expected, "{line}");
    }
}

#[test]
fn properties_are_split_as_the_official_runner_splits_them() {
    for (line, expected) in [
        ("::error title=t::m", "t"),
        ("::error TITLE=t::m", "t"),
        ("::error title=a,title=b::m", "b"),
        ("::error   title=t  ::m", "t"),
        ("::error title= t::m", " t"),
        ("::error x=y, title=t::m", "-"),
        ("::error ,,title=t,,::m", "t"),
        ("::error title=::m", "-"),
        ("::error title::m", "-"),
        ("::error title==t::m", "t"),
        ("::error =title=a=b::m", "a=b"),
        ("::error title=a%2Cb%3Ac%0Ad%25%3B::m", "a,b:c\nd%%3B"),
        ("::error title=a:b::m", "a:b"),
        ("##[error title=a,b]m", "a,b"),
        ("##[error x=1;title=a%3Bb%5D%3A]m", "a;b]%3A"),
        ("##[error  title=t]m", "-"),
    ] {
        let processed = Commands::new(CommandSettings::default())
            .process(line)
            .effects;
        let Some(Effect::Annotation(annotation)) = processed.last() else {
            panic!("{line}")
        };
        assert_eq!(
            annotation.title.as_deref().unwrap_or("-"),
            expected,
            "{line}"
        );
        assert_eq!(annotation.message, "m", "{line}");
    }
}

#[test]
fn issues_have_places_and_wrong_ones_are_repaired() {
    for (properties, expected) in [
        ("file=a.c,line=1,endLine=3", "a.c:1-3:---"),
        ("file=a.c,line=1,col=2,endColumn=5", "a.c:1--:2-5"),
        ("file=a.c,line=2,endLine=2,col=2", "a.c:2-2:2--"),
        ("line=1", "-:1--:---"),
        ("line=x", "-:---:---"),
        ("line= 7 ", "-:7--:---"),
        ("line=0,col=0", "-:---:---"),
        ("line=99999999999", "-:---:---"),
        ("endLine=3", "-:3-3:---"),
        ("line=x,endLine=3", "-:3-3:---"),
        ("line=1,endColumn=4", "-:1--:4-4"),
        ("col=4", "-:---:---"),
        ("line=1,endLine=2,col=3,endColumn=4", "-:1-2:---"),
        ("line=3,endLine=2", "-:---:---"),
        ("line=3,endLine=2,col=1", "-:---:---"),
        ("line=1,col=5,endColumn=4", "-:1--:---"),
        ("line=01,endLine=1,col=2", "-:1-1:---"),
    ] {
        let line = format!("::warning {properties}::m");
        let processed = Commands::new(CommandSettings::default())
            .process(&line)
            .effects;
        let Some(Effect::Annotation(annotation)) = processed.last() else {
            panic!()
        };
        let told = annotation_told(annotation);
        assert_eq!(
            told,
            format!("warning \"m\" {expected} [-]"),
            "{properties}"
        );
        let remarks = &processed[..processed.len() - 1];
        assert!(
            remarks
                .iter()
                .all(|effect| matches!(effect, Effect::Debug(_)))
        );
    }
    assert_eq!(
        one("::notice endLine=2,endColumn=3::"),
        "- | debug Invalid notice command value. 'endLine' can o… | debug Invalid notice command value. 'endColumn' can… | notice \"\" -:2-2:3-3 [-]"
    );
}

#[test]
fn each_command_has_its_effects() {
    for (line, expected) in [
        ("::add-mask::a b", "- | mask \"a b\""),
        (
            "::add-mask::a%0D%0A%0A b%0A ",
            "- | mask \"a\\r\\n\\n b\\n \" | mask \"a\" | mask \" b\"",
        ),
        (
            "::add-mask:: ",
            "- | warn Can't add secret mask for empty string in ##[…",
        ),
        (
            "::set-output name=a::b%0A",
            "- | warn The `set-output` command is deprecated and wi… | output a=\"b\\n\"",
        ),
        (
            "::Set-Output name=a::",
            "- | warn The `set-output` command is deprecated and wi… | output a=\"\"",
        ),
        (
            "::set-output::b",
            "- | error \"Unable to process command '::set-output::b' successfully.\" -:---:--- [-] | fail Required field 'name' is missing in ##[set-ou…",
        ),
        (
            "::save-state name=a::b",
            "- | warn The `save-state` command is deprecated and wi… | state a=\"b\"",
        ),
        (
            "##[save-state name=]b",
            "- | error \"Unable to process command '##[save-state name=]b' successfully.\" -:---:--- [-] | fail Required field 'name' is missing in ##[save-s…",
        ),
        (
            "::set-env name=A::b",
            "- | error \"Unable to process command '::set-env name=A::b' successfully.\" -:---:--- [-] | fail The `set-env` command is disabled. Please upg…",
        ),
        (
            "::add-path::x",
            "- | error \"Unable to process command '::add-path::x' successfully.\" -:---:--- [-] | fail The `add-path` command is disabled. Please up…",
        ),
        (
            "::add-matcher::.github\\m.json",
            "- | matcher .github\\m.json",
        ),
        ("::add-matcher::", "- | warn File path must be specified."),
        ("::remove-matcher owner=tsc::", "- | no matcher of tsc"),
        ("::remove-matcher::m.json", "- | no matchers in m.json"),
        (
            "::remove-matcher owner=a::b",
            "- | warn Either specify an owner name or a file path i…",
        ),
        (
            "::remove-matcher::",
            "- | warn Either an owner name or a file path must be s…",
        ),
        ("::group::A%0Ab", "- | group \"A\\nb\""),
        ("::endgroup::x", "- | endgroup"),
        ("::error::m", "- | error \"m\" -:---:--- [-]"),
        ("::notice::", "- | notice \"\" -:---:--- [-]"),
        (
            "::echo::maybe",
            "- | error \"Unable to process command '::echo::maybe' successfully.\" -:---:--- [-] | fail Invalid echo command value. Possible values c…",
        ),
        (
            "::echo::",
            "- | error \"Unable to process command '::echo::' successfully.\" -:---:--- [-] | fail Value cannot be empty. (Parameter 'value')",
        ),
    ] {
        assert_eq!(one(line), expected, "{line}");
    }
}

#[test]
fn unsecure_commands_can_be_allowed() {
    let settings = CommandSettings {
        allow_unsecure_commands: true,
        ..CommandSettings::default()
    };
    for (line, expected) in [
        ("::set-env name=A::b", "- | env A=\"b\" | debug A='b'"),
        (
            "::set-env name=Node_Options::b",
            "- | error \"Can't update NODE_OPTIONS environment variable using ::set-env:: command.\" -:---:--- [-]",
        ),
        ("::add-path::C:\\x", "- | path C:\\x"),
        (
            "::add-path::",
            "- | error \"Unable to process command '::add-path::' successfully.\" -:---:--- [-] | fail Value cannot be empty. (Parameter 'path')",
        ),
    ] {
        assert_eq!(told_with(settings, &[line]), [expected], "{line}");
    }
    let env = |name: &str| match name {
        "ACTIONS_ALLOW_UNSECURE_COMMANDS" => Some(" True"),
        "ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS" => Some("1"),
        _ => None,
    };
    assert_eq!(CommandSettings::from_env(env), settings);
}

#[test]
fn echo_shows_commands_but_no_secrets() {
    let lines = [
        "::set-output name=a::b",
        "::echo::ON",
        "::set-output name=a::b",
        "::add-mask::secret",
        "::add-mask::",
        "::debug::x",
        "::warning::x",
        "##[group]x",
        "::echo:: off ",
        "::group::x",
    ];
    let shown: Vec<String> = told_with(CommandSettings::default(), &lines)
        .iter()
        .map(|told| told.split(" | ").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        shown,
        [
            "-",
            "-",
            "\"::set-output name=a::b\"",
            "\"::add-mask::***\"",
            "-",
            "-",
            "-",
            "\"##[group]x\"",
            "\"::echo:: off \"",
            "-"
        ]
    );
    let settings = CommandSettings {
        echo: true,
        ..CommandSettings::default()
    };
    assert_eq!(
        told_with(settings, &["::endgroup::"]),
        ["\"::endgroup::\" | endgroup"]
    );
}

#[test]
fn commands_stop_until_their_token() {
    let waiting = "debug Process commands has been stopped and waiting…";
    let stopped = "debug Paused processing commands until the token yo…";
    assert_eq!(
        told_with(
            CommandSettings::default(),
            &[
                "::stop-commands::Tok",
                "::add-mask::x",
                "::nope::x",
                "plain",
                "::stop-commands::other",
                "::other::",
                " ::tOK::x",
                "::tok::",
                "::endgroup::",
                "::stop-commands::a long token",
                "::a long token::",
                "##[a long token]",
            ]
        ),
        [
            format!("\"::stop-commands::Tok\" | {stopped}"),
            format!("output \"::add-mask::x\" | {waiting}"),
            "output \"::nope::x\"".to_owned(),
            "output \"plain\"".to_owned(),
            format!("output \"::stop-commands::other\" | {waiting}"),
            "output \"::other::\"".to_owned(),
            "\" ::tOK::x\" | debug Resume processing commands".to_owned(),
            "output \"::tok::\"".to_owned(),
            "- | endgroup".to_owned(),
            format!("\"::stop-commands::a long token\" | mask \"a long token\" | {stopped}"),
            "output \"::a long token::\"".to_owned(),
            "output \"##[a long token]\"".to_owned(),
        ]
    );
}

#[test]
fn weak_stop_tokens_are_refused_unless_allowed() {
    for token in [
        "",
        "pause-logging",
        "Pause-Logging",
        "add-mask",
        "STOP-COMMANDS",
        "warning",
    ] {
        let line = format!("::stop-commands::{token}");
        let mut commands = Commands::new(CommandSettings::default());
        let processed = commands.process(&line);
        assert!(processed.is_command && processed.show.is_none());
        assert!(
            matches!(processed.effects.last(), Some(Effect::Fail(text)) if text == messages::WEAK_TOKEN)
        );
        assert!(
            commands.process("::endgroup::").is_command,
            "{token} stops nothing"
        );
    }
    let settings = CommandSettings {
        allow_unsecure_stop_tokens: true,
        ..CommandSettings::default()
    };
    let mut commands = Commands::new(settings);
    commands.process("::stop-commands::warning");
    assert!(!commands.process("::error::x").is_command);
    assert!(
        commands.process("::warning::x").effects[0] == Effect::Debug(messages::RESUMED.to_owned())
    );
    commands.process("::stop-commands::");
    assert!(
        !commands.process("::::").is_command,
        "nothing resumes an empty token"
    );
    assert!(!commands.process("::endgroup::").is_command);
}

#[test]
fn long_tokens_and_six_characters() {
    let masks = |token: &str| {
        let line = format!("::stop-commands::{token}");
        let effects = Commands::new(CommandSettings::default())
            .process(&line)
            .effects;
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Mask(_)))
    };
    assert!(!masks("123456"));
    assert!(masks("1234567"));
}

#[test]
fn long_lines_take_no_time() {
    let limit = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 1 });
    let start = Instant::now();
    let many = 256 << 10;
    for line in [
        "%0A".repeat(many),
        format!("::add-mask::{}", "a%0A".repeat(many / 4)),
        format!("::error {}::x", "a=b,".repeat(many / 4)),
        format!("::error {}::x", "=".repeat(many)),
        format!("##[error {}", "##[".repeat(many / 3)),
        format!("::{}", ":".repeat(many)),
        " ".repeat(many),
    ] {
        let _ = Commands::new(CommandSettings::default()).process(&line);
    }
    assert!(start.elapsed() < limit, "{:?}", start.elapsed());
}

/// Lines that are more often than not nearly a command.
fn nearly() -> impl Strategy<Value = String> {
    "( |x)?(::|##\\[)(error|add-mask|stop-commands|set-output|echo|t|group|remove-matcher)?( (name|line|endLine|col|file|owner)=(a|1|%2C|%3B)?[,;]?)?(::|\\])?(t|on|%0A|%25|x| ){0,3}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nothing_panics(lines in proptest::collection::vec(any::<String>(), 0..10)) {
        let mut commands = Commands::new(CommandSettings::default());
        for line in &lines {
            commands.process(line);
        }
    }

    #[test]
    fn what_is_no_command_is_shown_as_it_is(lines in proptest::collection::vec(nearly(), 0..20)) {
        let mut commands = Commands::new(CommandSettings { allow_unsecure_stop_tokens: true, ..CommandSettings::default() });
        for line in &lines {
            let processed = commands.process(line);
            if !processed.is_command {
                prop_assert_eq!(processed.show.as_deref(), Some(line.as_str()));
                prop_assert!(processed.effects.iter().all(|effect| matches!(effect, Effect::Debug(_))));
            }
            for effect in &processed.effects {
                if let Effect::Mask(secret) = effect {
                    prop_assert!(!secret.trim().is_empty());
                }
            }
        }
    }

    #[test]
    fn escapes_round_trip(text in any::<String>(), dense in "[%:,;\\]\r\n0-9A-D]{0,20}") {
        for text in [&text, &dense] {
            for place in [Place::Message, Place::Property, Place::Old] {
                let escaped = escape(text, place);
                prop_assert!(!escaped.contains(['\r', '\n']));
                prop_assert_eq!(&unescape(&escaped, place), text);
            }
        }
    }

    /// What the toolkit writes comes back.
    #[test]
    fn commands_round_trip(message in any::<String>(), title in "[^\u{0}]{1,20}") {
        prop_assume!(title.trim_matches('=') == title && title.trim() == title);
        let line = format!("::error title={}::{}", escape(&title, Place::Property), escape(&message, Place::Message));
        let expected = Annotation { title: Some(title), ..Annotation::new(Severity::Error, message) };
        let processed = Commands::new(CommandSettings::default()).process(&line).effects;
        prop_assert_eq!(processed, [Effect::Annotation(expected)]);
    }
}
