//! What prepares a machine, as it is typed.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

/// A script that prepares a machine before any job is in it.
#[derive(Debug, Default, Args)]
pub struct PrepareArguments {
    /// A script that prepares the machine, its state then frozen as a template that jobs wake from
    ///
    /// It sees no workspace, no secret and nothing of `--env`. Its disk, memory and running programs are
    /// what a job starts with. The template is made first where there is none of this script; with
    /// `--start cold` the script runs in the job's own machine. A script that fails fails the job.
    #[arg(long, value_name = "SCRIPT")]
    pub prepare: Option<PathBuf>,

    /// The shell of the prepare script [default: by its file's ending, else the guest's own]
    ///
    /// `.sh` is bash, `.cmd` and `.bat` are cmd, `.ps1` is pwsh or powershell, `.py` is python.
    #[arg(long, value_name = "SHELL", requires = "prepare", value_parser = NonEmptyStringValueParser::new())]
    pub prepare_shell: Option<String>,

    /// Who may wake what the script prepared: those who name the same scope [default: local]
    ///
    /// Inside GitHub Actions the default is the repository, and whether only those can cause the event who
    /// may write to it.
    #[arg(long, value_name = "NAME", requires = "prepare")]
    pub trust_scope: Option<String>,
}
