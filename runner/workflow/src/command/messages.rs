//! What is said about commands, in the words of the official runner: people search for them.

pub(super) const STOPPED: &str =
    "Paused processing commands until the token you called ::stopCommands:: with is received";

pub(super) const RESUMED: &str = "Resume processing commands";

pub(super) const EMPTY_MASK: &str =
    "Can't add secret mask for empty string in ##[add-mask] command.";

pub(super) const NO_MATCHER_FILE: &str = "File path must be specified.";

pub(super) const OWNER_AND_FILE: &str = "Either specify an owner name or a file path in \
     ##[remove-matcher] command. Both values cannot be set.";

pub(super) const NO_OWNER_NOR_FILE: &str = "Either an owner name or a file path must be specified \
     in ##[remove-matcher] command.";

pub(super) const WEAK_TOKEN: &str = "You cannot use a endToken that is an empty string, the string \
     'pause-logging', or another workflow command. For more information see: \
     https://docs.github.com/actions/learn-github-actions/workflow-commands-for-github-actions#example-stopping-and-starting-workflow-commands \
     or opt into insecure command execution by setting the \
     `ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS` environment variable to `true`.";

pub(super) fn waiting(token: &str) -> String {
    format!("Process commands has been stopped and waiting for '##[{token}]' to resume.")
}

pub(super) fn unprocessed(what: &str) -> String {
    format!("Unable to process command '{what}' successfully.")
}

pub(super) fn missing_name(command: &str) -> String {
    format!("Required field 'name' is missing in ##[{command}] command.")
}

pub(super) fn empty_value(parameter: &str) -> String {
    format!("Value cannot be empty. (Parameter '{parameter}')")
}

pub(super) fn refused_variable(name: &str) -> String {
    format!("Can't update {name} environment variable using ::set-env:: command.")
}

pub(super) fn invalid_echo(value: &str) -> String {
    format!(
        "Invalid echo command value. Possible values can be: 'on', 'off'. Current value is: \
         '{value}'."
    )
}

pub(super) fn disabled(command: &str) -> String {
    format!(
        "The `{command}` command is disabled. Please upgrade to using Environment Files or opt \
         into unsecure command execution by setting the `ACTIONS_ALLOW_UNSECURE_COMMANDS` \
         environment variable to `true`. For more information see: \
         https://github.blog/changelog/2020-10-01-github-actions-deprecating-set-env-and-add-path-commands/"
    )
}

pub(super) fn deprecated(command: &str) -> String {
    format!(
        "The `{command}` command is deprecated and will be disabled soon. Please upgrade to using \
         Environment Files. For more information see: \
         https://github.blog/changelog/2022-10-11-github-actions-deprecating-save-state-and-set-output-commands/"
    )
}
