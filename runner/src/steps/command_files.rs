//! The files through which a step talks to the runner: `GITHUB_ENV` and its siblings. New ones for each
//! step; read back with the step's result, in the same round trip.

use dormer_workflow::command_file::{
    Assignment, CommandFile, CommandFileError, parse_assignments, parse_env, parse_path,
};

use crate::guest::bundle::FileIn;
use crate::guest::profile::PathStyle;
use crate::steps::state::{ExecutorState, Variables};

/// In the order in which they are written, read and applied.
const FILES: [CommandFile; 5] = [
    CommandFile::Env,
    CommandFile::Output,
    CommandFile::State,
    CommandFile::Path,
    CommandFile::StepSummary,
];

/// One step's files.
#[derive(Debug, Clone)]
pub struct CommandFiles {
    /// In Windows form, in the order of [`FILES`].
    paths: Vec<String>,
}

/// What a step's files say.
#[derive(Debug, Default)]
pub struct Said {
    /// Its outputs.
    pub outputs: Variables,
    /// Its summary, in Markdown.
    pub summary: Vec<u8>,
    /// What is not done, and fails nothing.
    pub refused: Vec<String>,
    /// Why the step fails though its program did not.
    pub errors: Vec<String>,
}

impl CommandFiles {
    /// Files of new names in a directory given in Windows form.
    pub fn new(directory: &str, unique: &str) -> Self {
        let path = |file: CommandFile| format!("{directory}\\{}{unique}", file.prefix());
        Self {
            paths: FILES.map(path).to_vec(),
        }
    }

    /// The empty files to make.
    pub fn to_write(&self, files: PathStyle) -> Vec<FileIn> {
        let file = |path: &String| FileIn {
            path: files.write(path),
            contents: String::new(),
        };
        self.paths.iter().map(file).collect()
    }

    /// The files to read back.
    pub fn to_read(&self, files: PathStyle) -> Vec<String> {
        self.paths.iter().map(|path| files.write(path)).collect()
    }

    /// The variables that name them to the step, as its shell writes paths.
    pub fn variables(&self, shell: PathStyle) -> Vec<(String, String)> {
        let named = FILES.iter().zip(&self.paths);
        named
            .map(|(file, path)| (file.variable().to_owned(), shell.write(path)))
            .collect()
    }
}

/// Takes what a step's files say into the state. What stands before a mistake counts, as in the
/// official runner.
pub fn apply(contents: &[Vec<u8>], state: &mut ExecutorState) -> Said {
    let mut said = Said::default();
    for (file, bytes) in FILES.iter().zip(contents) {
        let mut wrong = |error: Option<CommandFileError>| {
            let two = error.map(|error| [file.failure(), error.to_string()]);
            said.errors.extend(two.into_iter().flatten());
        };
        match file {
            CommandFile::Env => {
                let requests = parse_env(bytes);
                state
                    .environment
                    .extend(requests.entries.into_iter().map(pair));
                wrong(requests.error);
                said.refused.extend(requests.refused);
            }
            CommandFile::Output => {
                let assignments = parse_assignments(bytes);
                wrong(assignments.error);
                said.outputs
                    .extend(assignments.entries.into_iter().map(pair));
            }
            CommandFile::Path => match parse_path(bytes) {
                Ok(directories) => directories.iter().for_each(|one| state.prepend_path(one)),
                Err(error) => wrong(Some(error)),
            },
            CommandFile::StepSummary => said.summary.clone_from(bytes),
            // Kept for an action's post step, of which there is none yet.
            CommandFile::State => {}
        }
    }
    said
}

fn pair(assignment: Assignment) -> (String, String) {
    (assignment.name, assignment.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(env: &str, output: &str, path: &str) -> Vec<Vec<u8>> {
        [env, output, "", path, ""]
            .map(|text| text.as_bytes().to_vec())
            .to_vec()
    }

    #[test]
    fn what_a_step_says_is_taken_into_the_state() {
        let mut state = ExecutorState::new(Variables::default());
        let files = contents(
            "A=1\r\nB<<E\r\nx\r\ny\r\nE\r\n",
            "out=a=b\n",
            "C:\\one\nC:\\two\n",
        );
        let said = apply(&files, &mut state);
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        assert_eq!(state.environment.get("A"), Some("1"));
        assert_eq!(state.environment.get("B"), Some("x\r\ny"));
        assert_eq!(said.outputs.get("out"), Some("a=b"));
        assert_eq!(state.path, ["C:\\two", "C:\\one"]);
    }

    #[test]
    fn a_mistake_fails_the_step_and_keeps_what_came_before() {
        let mut state = ExecutorState::new(Variables::default());
        let said = apply(&contents("A=1\nnonsense\n", "", ""), &mut state);
        assert_eq!(state.environment.get("A"), Some("1"));
        assert_eq!(
            said.errors.len(),
            2,
            "which file, and what is wrong with it"
        );
        let said = apply(&contents("NODE_OPTIONS=--x\n", "", ""), &mut state);
        assert_eq!((said.errors.len(), said.refused.len()), (0, 1));
        assert_eq!(state.environment.get("NODE_OPTIONS"), None);
    }

    #[test]
    fn the_variables_name_files_as_the_shell_writes_them() {
        let files = CommandFiles::new(r"C:\a\_temp", "1");
        assert_eq!(
            files.variables(PathStyle::Rooted)[0],
            ("GITHUB_ENV".to_owned(), "/C:/a/_temp/set_env_1".to_owned())
        );
        assert_eq!(files.to_read(PathStyle::Rooted).len(), 5);
    }
}
