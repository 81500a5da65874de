//! Where reporters for people write: two outputs that one or several of them share, and what becomes of a
//! reporter when these are lost.

use std::io::{self, Write};

use crate::event::Stamped;
use crate::report::Reporter;
use crate::report::outlet::Outlet;
use crate::report::shared::Shared;

/// What the guest's programs print goes to the first as far as they print it to theirs, everything else to
/// the second. Cheap to clone; all clones write to the same outputs.
#[derive(Debug)]
pub struct Screen<O: Write, E: Write> {
    /// Standard output.
    pub out: Shared<Outlet<O>>,
    /// Standard error.
    pub err: Shared<Outlet<E>>,
}

impl<O: Write, E: Write> Screen<O, E> {
    /// Of these two outputs.
    pub fn new(out: O, err: E) -> Self {
        Self {
            out: Shared::new(Outlet::new(out)),
            err: Shared::new(Outlet::new(err)),
        }
    }

    /// The loss of an output, told once.
    fn losses(&self) -> io::Result<()> {
        self.out.with(Outlet::loss)?;
        self.err.with(Outlet::loss)
    }
}

impl<O: Write, E: Write> Clone for Screen<O, E> {
    fn clone(&self) -> Self {
        Self {
            out: self.out.clone(),
            err: self.err.clone(),
        }
    }
}

/// A reporter that writes to a screen.
pub trait OnScreen: Send {
    /// The screen's first output.
    type Out: Write;
    /// Its second.
    type Err: Write;
    /// The screen.
    fn screen(&self) -> &Screen<Self::Out, Self::Err>;
    /// Shows an event. What is written to a lost output is no error here: the other one goes on.
    fn show(&mut self, event: &Stamped) -> io::Result<()>;
}

impl<S: OnScreen> Reporter for S {
    fn report(&mut self, event: &Stamped) -> io::Result<()> {
        self.show(event)?;
        self.screen().losses()
    }

    fn flush(&mut self) -> io::Result<()> {
        let screen = self.screen();
        screen.out.with(Write::flush)?;
        screen.err.with(Write::flush)?;
        screen.losses()
    }

    fn name(&self) -> String {
        "writing to the terminal".to_owned()
    }

    fn goes_on(&self) -> bool {
        let screen = self.screen();
        screen.out.with(|out| out.is_open()) || screen.err.with(|err| err.is_open())
    }
}
