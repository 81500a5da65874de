//! The files through which a step talks to the runner: `GITHUB_ENV` and its siblings. New ones for each
//! step; read back with the step's result, in the same round trip.

use std::collections::HashSet;

use dormer_workflow::command_file::{
    Assignment, CommandFile, CommandFileError, OUTPUT_LIMIT, parse_assignments, parse_env,
    parse_path, parse_summary,
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

/// The largest of the files whose contents are kept. The official runner limits outputs only; but all of
/// these stay in memory to the job's end, and none that a build writes comes near.
const LARGEST_FILE: usize = OUTPUT_LIMIT;
/// How many names or directories one file may hold.
const MOST_ENTRIES: usize = 5000;
/// How many directories steps may put in front of the search path, which has to fit a variable.
const MOST_DIRECTORIES: usize = 1000;
/// How many complaints about one step's files are told.
const COMPLAINTS: usize = 10;
/// What the names of Dormer's own variables in the guest begin with.
const OWN_PREFIX: &str = "DORMER_";

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
    /// What an action keeps for its later stages.
    pub saved: Variables,
    /// The lines of its summary, in Markdown.
    pub summary: Vec<String>,
    /// What is not done, and fails nothing.
    pub refused: Vec<String>,
    /// Why the step fails though its program did not.
    pub errors: Vec<String>,
}

impl Said {
    /// What people should hear of it. A file may give thousands of reasons, and the same one thousands
    /// of times.
    pub fn complaints(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        let texts = self.errors.iter().chain(&self.refused);
        let mut different = texts.filter(|text| seen.insert(*text)).cloned();
        let mut told: Vec<String> = different.by_ref().take(COMPLAINTS).collect();
        let more = different.count();
        if more > 0 {
            told.push(format!("… and {more} more about the step's command files"));
        }
        told
    }
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
/// official runner; of a file that says too much, nothing does.
pub fn apply(contents: &[Vec<u8>], state: &mut ExecutorState) -> Said {
    let mut said = Said::default();
    for (file, bytes) in FILES.iter().zip(contents) {
        if let Err(why) = take(*file, bytes, state, &mut said) {
            said.errors.extend([file.failure(), why]);
        }
    }
    said
}

fn take(
    file: CommandFile,
    bytes: &[u8],
    state: &mut ExecutorState,
    said: &mut Said,
) -> Result<(), String> {
    match file {
        CommandFile::Env => {
            check_size(file, bytes)?;
            let requests = parse_env(bytes);
            check_entries(file, requests.entries.len() + requests.refused.len())?;
            said.refused.extend(requests.refused);
            let (own, others): (Vec<_>, Vec<_>) =
                requests.entries.into_iter().partition(is_dormers_own);
            said.refused.extend(own.iter().map(refusal));
            state.environment.extend(others.into_iter().map(pair));
            explained(requests.error)
        }
        CommandFile::Output => take_assignments(file, bytes, &mut said.outputs),
        CommandFile::Path => {
            check_size(file, bytes)?;
            let directories = parse_path(bytes).map_err(|error| error.to_string())?;
            check_directories(state.path.len() + directories.len())?;
            directories.iter().for_each(|one| state.prepend_path(one));
            Ok(())
        }
        // As in the official runner, a summary that is too large fails nothing.
        CommandFile::StepSummary => {
            match parse_summary(bytes) {
                Ok(lines) => said.summary = lines,
                Err(why) => said.refused.push(why.to_string()),
            }
            Ok(())
        }
        CommandFile::State => take_assignments(file, bytes, &mut said.saved),
    }
}

fn take_assignments(file: CommandFile, bytes: &[u8], into: &mut Variables) -> Result<(), String> {
    check_size(file, bytes)?;
    let assignments = parse_assignments(bytes);
    check_entries(file, assignments.entries.len())?;
    into.extend(assignments.entries.into_iter().map(pair));
    explained(assignments.error)
}

fn check_size(file: CommandFile, bytes: &[u8]) -> Result<(), String> {
    let (name, has) = (file.variable(), bytes.len());
    if has <= LARGEST_FILE {
        return Ok(());
    }
    Err(format!(
        "The file of `{name}` has {has} bytes, and at most {LARGEST_FILE} are taken from one step"
    ))
}

fn check_entries(file: CommandFile, has: usize) -> Result<(), String> {
    let name = file.variable();
    if has <= MOST_ENTRIES {
        return Ok(());
    }
    Err(format!(
        "The file of `{name}` has {has} entries, and at most {MOST_ENTRIES} are taken from one step"
    ))
}

fn check_directories(has: usize) -> Result<(), String> {
    if has <= MOST_DIRECTORIES {
        return Ok(());
    }
    Err(format!(
        "`GITHUB_PATH` would put {has} directories in front of the search path, and at most \
         {MOST_DIRECTORIES} are taken from a job"
    ))
}

fn explained(error: Option<CommandFileError>) -> Result<(), String> {
    error.map_or(Ok(()), |error| Err(error.to_string()))
}

/// Whether it would steer what Dormer itself runs in the guest.
fn is_dormers_own(assignment: &Assignment) -> bool {
    let beginning = assignment.name.trim_start().get(..OWN_PREFIX.len());
    beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(OWN_PREFIX))
}

fn refusal(assignment: &Assignment) -> String {
    format!(
        "`{}` cannot be set in `GITHUB_ENV`: variables whose names begin with `{OWN_PREFIX}` are \
         Dormer's own",
        assignment.name
    )
}

fn pair(assignment: Assignment) -> (String, String) {
    (assignment.name, assignment.value)
}

#[cfg(test)]
mod tests {
    use dormer_workflow::command_file::SUMMARY_LIMIT;

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
    fn the_names_of_dormers_own_variables_are_refused() {
        let mut state = ExecutorState::new(Variables::default());
        let env = "A=1\ndormer_Tag=x\nDORMER_VARIABLES<<E\ny\nE\nDORMERS=2\nDÖRMER_=3\n";
        let said = apply(&contents(env, "DORMER_X=output", ""), &mut state);
        assert!(said.errors.is_empty(), "{:?}", said.errors);
        assert_eq!(said.refused.len(), 2);
        assert!(
            said.refused[0].contains("`dormer_Tag`"),
            "{:?}",
            said.refused
        );
        let names: Vec<_> = state.environment.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["A", "DORMERS", "DÖRMER_"]);
        assert_eq!(said.outputs.get("DORMER_X"), Some("output"));
    }

    #[test]
    fn complaints_are_told_once_and_not_without_end() {
        let mut state = ExecutorState::new(Variables::default());
        let env = "NODE_OPTIONS=--x\n".repeat(1000) + "nonsense\n";
        let said = apply(&contents(&env, "", ""), &mut state);
        assert_eq!(said.complaints().len(), 3, "{:?}", said.complaints());
        let env: String = (0..1000).map(|n| format!("DORMER_{n}=\n")).collect();
        let said = apply(&contents(&env, "", ""), &mut state);
        assert_eq!(said.complaints().len(), COMPLAINTS + 1);
        assert!(said.complaints()[COMPLAINTS].contains("990 more"));
    }

    #[test]
    fn files_that_say_too_much_fail_the_step() {
        let large = format!("a={}\n", "x".repeat(LARGEST_FILE));
        let many: String = (0..=MOST_ENTRIES).map(|n| format!("n{n}=\n")).collect();
        let directories: String = (0..=MOST_DIRECTORIES)
            .map(|n| format!("C:\\{n}\n"))
            .collect();
        let cases = [
            (large.as_str(), "", "", "1048579 bytes"),
            ("", &large, "", "`GITHUB_OUTPUT`"),
            (&many, "", "", "5001 entries"),
            ("", &many, "", "5001 entries"),
            ("", "", &large, "`GITHUB_PATH`"),
            ("", "", &directories, "1001 directories"),
        ];
        for (env, output, path, words) in cases {
            let mut state = ExecutorState::new(Variables::default());
            let said = apply(&contents(env, output, path), &mut state);
            assert_eq!(said.errors.len(), 2, "{:?}", said.errors);
            assert!(said.errors[1].contains(words), "{:?}", said.errors);
            assert_eq!(said.outputs, Variables::default());
            assert_eq!(state, ExecutorState::new(Variables::default()));
        }
    }

    #[test]
    fn a_large_summary_is_dropped_and_fails_nothing() {
        let mut files = contents("", "", "");
        files[4] = vec![b'x'; SUMMARY_LIMIT + 1];
        let said = apply(&files, &mut ExecutorState::new(Variables::default()));
        assert_eq!((said.errors.len(), said.refused.len()), (0, 1));
        assert!(said.refused[0].contains("up to a size of 1024k, got 1024k"));
        assert!(said.summary.is_empty());
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
