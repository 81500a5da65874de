//! Any lines are the output of a step; what is no command is shown as it is.

#![no_main]

use dormer_workflow::command::{CommandSettings, Commands, Effect, Place, escape, unescape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let settings = CommandSettings {
        allow_unsecure_commands: text.len() % 2 == 0,
        allow_unsecure_stop_tokens: text.len() % 3 == 0,
        echo: text.len() % 5 == 0,
    };
    let mut commands = Commands::new(settings);
    for line in text.lines() {
        let processed = commands.process(line);
        if !processed.is_command {
            assert_eq!(processed.show.as_deref(), Some(line));
        }
        for effect in &processed.effects {
            if let Effect::Mask(secret) = effect {
                assert!(!secret.trim().is_empty());
            }
        }
    }
    for place in [Place::Message, Place::Property, Place::Old] {
        assert_eq!(unescape(&escape(text, place), place), text);
    }
});
