//! From YAML events to a tree, without recursion.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError};

use crate::diagnostic::Reporter;
use crate::source::{SourceFile, Span};

use super::collection::Collection;
use super::node::{Node, NodeValue, Quoting, Size};
use super::{MAX_DEPTH, MAX_NODES, MAX_TEXT, scalar};

/// Reads the document of a file. Problems are reported; `None` means that it was given up.
pub(super) fn build(source: &SourceFile, problems: &mut Reporter) -> Option<Node> {
    let options = granit_parser::options! { emit_unresolved_aliases: true };
    let mut builder = Builder::new(problems, source.text().len());
    for event in Parser::new_from_str_with_options(source.text(), options) {
        match event {
            Ok((event, span)) => builder.take(event, span_of(&span)),
            Err(error) => builder.syntax(&error),
        }?;
    }
    builder.finish()
}

fn span_of(span: &granit_parser::Span) -> Span {
    let range = span.byte_range().unwrap_or_default();
    Span::new(range.start, range.end)
}

struct Builder<'a> {
    problems: &'a mut Reporter,
    file_end: usize,
    documents: usize,
    root: Option<Node>,
    /// The collections that are not complete, outermost first.
    open: Vec<Collection>,
    /// Complete nodes by the number of their anchor.
    anchors: HashMap<usize, Node>,
}

impl<'a> Builder<'a> {
    fn new(problems: &'a mut Reporter, file_end: usize) -> Self {
        Self {
            problems,
            file_end,
            documents: 0,
            root: None,
            open: Vec::new(),
            anchors: HashMap::new(),
        }
    }

    /// Takes one event. `None` ends reading.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::DocumentStart(..) => self.document(span),
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
                let node = self.scalar(&text, style, tag.as_deref(), span);
                self.complete(node, anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(Collection::sequence(anchor, span), span)
            }
            Event::MappingStart(_, anchor, _) => {
                self.begin(Collection::mapping(anchor, span), span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                self.problems
                    .report(span, format!("there is no anchor `&{name}` before this"));
                self.complete(null(span), 0)
            }
            _ => Some(()),
        }
    }

    fn document(&mut self, span: Span) -> Option<()> {
        self.documents += 1;
        if self.documents > 1 {
            self.problems
                .report(span, "expected one YAML document, found another");
            return None;
        }
        Some(())
    }

    fn syntax(&mut self, error: &ScanError) -> Option<()> {
        let offset = error.marker().byte_offset().unwrap_or(self.file_end);
        // The scanner quotes with `'`, everything else here with backticks.
        let message = error.info().replace('\'', "`");
        let help = syntax_help(&message);
        self.problems.report_with(
            Span::at(offset),
            format!("this is not valid YAML: {message}"),
            help.map(str::to_owned),
        );
        None
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&str>, span: Span) -> Node {
        let is_plain = style == ScalarStyle::Plain;
        let typed = match tag {
            Some(tag) => scalar::tagged(tag, text, is_plain),
            None if is_plain => scalar::plain(text),
            None => Ok(NodeValue::String(text.into())),
        };
        let value = typed.unwrap_or_else(|message| {
            self.problems.report(span, message);
            NodeValue::Null
        });
        let quoting = match style {
            ScalarStyle::SingleQuoted => Quoting::Single,
            ScalarStyle::DoubleQuoted => Quoting::Double,
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => Quoting::None,
        };
        Node {
            value,
            span,
            written: span,
            quoting,
            size: Size::scalar(text),
        }
    }

    fn begin(&mut self, collection: Collection, span: Span) -> Option<()> {
        if self.wants_key() {
            self.problems
                .report(span, "expected a string as key, found a collection");
            return None;
        }
        self.open.push(collection);
        self.check(self.open.len(), span)
    }

    fn end(&mut self, end: Span) -> Option<()> {
        let collection = self.open.pop()?;
        let anchor = collection.anchor;
        self.complete(collection.finish(end), anchor)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Option<()> {
        let Some(node) = self.anchors.get(&anchor) else {
            self.problems
                .report(span, "this alias stands for a node that contains it");
            return None;
        };
        let node = Node {
            span,
            ..node.clone()
        };
        self.complete(node, 0)
    }

    /// Puts a node where the file has it.
    fn complete(&mut self, node: Node, anchor: usize) -> Option<()> {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        if self.wants_key() {
            return self.key(&node);
        }
        let (depth, span) = (self.open.len() + node.size.depth, node.span);
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(parent) => parent.take(node),
        }
        self.check(depth, span)
    }

    fn wants_key(&self) -> bool {
        self.open.last().is_some_and(Collection::wants_key)
    }

    fn key(&mut self, node: &Node) -> Option<()> {
        let Some(text) = node.scalar_text() else {
            self.problems
                .report(node.span, "expected a string as key, found a collection");
            return None;
        };
        if &*text == "<<" && node.quoting == Quoting::None {
            self.problems.report_with(
                node.span,
                "merge keys (`<<`) are not supported by GitHub",
                Some("use an alias for the whole value, or write the keys out".to_owned()),
            );
        }
        let parent = self.open.last_mut()?;
        if let Some(first) = parent.take_key(node, text.clone()) {
            let line = self.problems.source().location(first.start).line;
            let message = format!("`{text}` is already defined on line {line}");
            self.problems.report(node.span, message);
        }
        self.check(self.open.len(), node.span)
    }

    /// Refuses what is nested too deeply or too large. Sizes add up from the inside out, so the
    /// open collections together hold everything that was read so far.
    fn check(&mut self, depth: usize, span: Span) -> Option<()> {
        let mut total = Size::default();
        for size in self
            .open
            .iter()
            .map(|open| open.size)
            .chain(self.root.as_ref().map(|r| r.size))
        {
            total.add(size);
        }
        let what = if depth > MAX_DEPTH {
            format!("collections are nested more than {MAX_DEPTH} levels deep here")
        } else if total.nodes > MAX_NODES {
            format!("the file has more than {MAX_NODES} nodes, aliases written out")
        } else if total.text > MAX_TEXT {
            format!("the file has more than {MAX_TEXT} bytes of text, aliases written out")
        } else {
            return Some(());
        };
        self.problems.report(span, what);
        None
    }

    fn finish(self) -> Option<Node> {
        let is_blank =
            |node: &Node| node.value == NodeValue::Null && node.span.start == node.span.end;
        match self.root {
            Some(root) if !is_blank(&root) => Some(root),
            _ => {
                self.problems.report(Span::at(0), "the file is empty");
                None
            }
        }
    }
}

fn null(span: Span) -> Node {
    Node {
        value: NodeValue::Null,
        span,
        written: span,
        quoting: Quoting::None,
        size: Size::scalar(""),
    }
}

/// What to do about the syntax errors that people make most.
fn syntax_help(message: &str) -> Option<&'static str> {
    [
        ("tabs", "YAML is indented with spaces"),
        (
            "mapping values are not allowed",
            "put a value that contains `: ` in quotes",
        ),
        (
            "unexpected character",
            "put a value that starts with this character in quotes",
        ),
        (
            "unclosed quote",
            "a quote in a quoted value is written twice (`''`) or escaped (`\\\"`)",
        ),
    ]
    .into_iter()
    .find(|(part, _)| message.contains(part))
    .map(|(_, help)| help)
}
