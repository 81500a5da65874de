//! The heading that was shown last, so that what stands below it does not say it again.

/// Follows the headings of steps.
#[derive(Debug, Default)]
pub struct Heading(String);

impl Heading {
    /// A step begins under this name.
    pub fn begin(&mut self, name: &str) {
        name.clone_into(&mut self.0);
    }

    /// A line of the log: a step inside of a composite action has its heading there.
    pub fn line(&mut self, text: &str) {
        if let Some(name) = text.strip_prefix("##[group]") {
            self.begin(name);
        }
    }

    /// The lines of a step's header without what its heading says already.
    pub fn rest<'l>(&self, lines: &'l [String]) -> &'l [String] {
        match lines.split_first() {
            Some((first, rest)) if *first == self.0 => rest,
            _ => lines,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_does_not_say_the_heading_again() {
        let mut heading = Heading::default();
        let header = ["Run a".to_owned(), "a".to_owned()];
        assert_eq!(heading.rest(&header), header);
        heading.begin("Run a");
        assert_eq!(heading.rest(&header), ["a"]);
        heading.line("##[group]Run b");
        heading.line("##[endgroup]");
        assert_eq!(heading.rest(&header), header);
        heading.line("##[group]Run a");
        assert_eq!(heading.rest(&header), ["a"]);
    }
}
