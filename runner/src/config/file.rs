//! One `dormer.toml`: read, checked, every problem reported at once with its line.

use std::fs;
use std::ops::{Range, RangeInclusive};
use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::actions::server::Server;
use crate::config::{Config, MOST_STANDBYS, size};
use crate::failure::InputError;
use crate::host::clock::parse_duration;
use crate::image::store::check_name;
use crate::instance::allowance::{Allowance, Overcommit};
use crate::vmm::isolation::is_prefix;
use crate::vmm::machine::Network;

/// What a file sets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConfigFile {
    default_image: Option<String>,
    labels: Vec<(String, String)>,
    cpus: Option<u32>,
    memory: Option<u64>,
    bounds: Bounds,
    network: Option<Network>,
    open: Option<Vec<String>>,
    keep_for: Option<Duration>,
    gc_every: Option<Duration>,
    standby: Option<u32>,
    standby_for: Option<Duration>,
    mirror: Option<String>,
    actions_server: Option<Server>,
    /// The settings that only the user's own file may have.
    beyond: Vec<String>,
}

/// What a file says of what machines may take.
#[derive(Debug, Clone, Default, PartialEq)]
struct Bounds {
    disk: Option<u64>,
    pin: Option<bool>,
    disk_rate: Option<u64>,
    disk_operations: Option<u32>,
    network_rate: Option<u64>,
    memory_factor: Option<f64>,
    cpu_factor: Option<f64>,
    disk_factor: Option<f64>,
}

impl Bounds {
    fn apply(self, allowance: &mut Allowance) {
        let (rates, factors) = (&mut allowance.rates, &mut allowance.overcommit);
        allowance.disk = self.disk.or(allowance.disk);
        allowance.pin = self.pin.unwrap_or(allowance.pin);
        rates.disk_bytes = self.disk_rate.or(rates.disk_bytes);
        rates.disk_operations = self
            .disk_operations
            .map(u64::from)
            .or(rates.disk_operations);
        rates.network_bytes = self.network_rate.or(rates.network_bytes);
        factors.memory = self.memory_factor.unwrap_or(factors.memory);
        factors.cpus = self.cpu_factor.unwrap_or(factors.cpus);
        factors.disk = self.disk_factor.unwrap_or(factors.disk);
    }
}

impl ConfigFile {
    /// Takes over everything that the file sets.
    pub fn apply(self, config: &mut Config) {
        config.cpus = self.cpus.or(config.cpus);
        config.memory = self.memory.or(config.memory);
        self.bounds.clone().apply(&mut config.allowance);
        config.network = self.network.unwrap_or(config.network);
        config.keep_for = self.keep_for.unwrap_or(config.keep_for);
        config.gc_every = self.gc_every.unwrap_or(config.gc_every);
        config.standby = self.standby.or(config.standby);
        config.standby_for = self.standby_for.unwrap_or(config.standby_for);
        if let Some(open) = &self.open {
            config.open.clone_from(open);
        }
        if self.mirror.is_some() {
            config.mirror.clone_from(&self.mirror);
        }
        if self.actions_server.is_some() {
            config.actions_server.clone_from(&self.actions_server);
        }
        self.apply_images(config);
    }

    /// Takes over images and labels only. What the user's file says of a label stays.
    pub fn apply_images(self, config: &mut Config) {
        if config.default_image.is_none() {
            config.default_image = self.default_image;
        }
        for (label, image) in self.labels {
            if !config
                .labels
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(&label))
            {
                config.labels.push((label, image));
            }
        }
    }

    /// The settings beyond images and labels.
    pub fn beyond_images(&self) -> &[String] {
        &self.beyond
    }
}

/// Reads a file. An error lists everything that is wrong with it.
pub fn read(path: &Path) -> Result<ConfigFile, InputError> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path)
        .map_err(|error| InputError::configuration(format!("cannot read `{name}`: {error}")))?;
    parse(&name, &text)
}

/// Reads a file's text.
pub fn parse(name: &str, text: &str) -> Result<ConfigFile, InputError> {
    let mut reader = Reader {
        name,
        text,
        problems: Vec::new(),
        file: ConfigFile::default(),
    };
    match DeTable::parse(text) {
        Ok(table) => reader.top(table.get_ref()),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            reader.problem(&span, error.message());
        }
    }
    if reader.problems.is_empty() {
        return Ok(reader.file);
    }
    // A table hands out its keys by name; people read a file from top to bottom.
    reader.problems.sort();
    let problems: Vec<String> = reader.problems.into_iter().map(|(_, text)| text).collect();
    Err(InputError::configuration(problems.join("\n"))
        .help("`docs/configuration.md` lists every setting"))
}

struct Reader<'t> {
    name: &'t str,
    text: &'t str,
    /// Each with where it begins.
    problems: Vec<(usize, String)>,
    file: ConfigFile,
}

type Value<'t> = Spanned<DeValue<'t>>;

impl Reader<'_> {
    fn top(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "default_image" => self.file.default_image = self.image(value),
                "labels" => self.labels(value),
                "machine" => self.section("machine", value, Self::machine),
                "network" => self.section("network", value, Self::network),
                "overcommit" => self.section("overcommit", value, Self::overcommit),
                "keep" => self.section("keep", value, Self::keep),
                "gc" => self.section("gc", value, Self::gc),
                "standby" => self.section("standby", value, Self::standby),
                "build" => self.section("build", value, Self::build),
                "actions" => self.section("actions", value, Self::actions),
                other => self.unknown(&key.span(), other),
            }
        }
    }

    fn section(
        &mut self,
        name: &str,
        value: &Value<'_>,
        mut each: impl FnMut(&mut Self, &str, &Value<'_>) -> bool,
    ) {
        let Some(table) = self.table(value) else {
            return;
        };
        for (key, value) in table {
            let full = format!("{name}.{}", key.get_ref());
            if each(self, key.get_ref().as_ref(), value) {
                self.file.beyond.push(full);
            } else {
                self.unknown(&key.span(), &full);
            }
        }
    }

    fn machine(&mut self, key: &str, value: &Value<'_>) -> bool {
        match key {
            "cpus" => self.file.cpus = self.number(value),
            "memory" => self.file.memory = self.parsed(value, size::parse_memory),
            "disk_limit" => self.file.bounds.disk = self.parsed(value, size::parse_disk),
            "disk_rate" => self.file.bounds.disk_rate = self.parsed(value, size::parse_rate),
            "disk_operations" => self.file.bounds.disk_operations = self.number(value),
            "pin" => self.file.bounds.pin = self.switch(value),
            _ => return false,
        }
        true
    }

    fn network(&mut self, key: &str, value: &Value<'_>) -> bool {
        match key {
            "mode" => self.file.network = self.parsed(value, network_mode),
            "open" => self.file.open = self.prefixes(value),
            "rate" => self.file.bounds.network_rate = self.parsed(value, size::parse_rate),
            _ => return false,
        }
        true
    }

    fn overcommit(&mut self, key: &str, value: &Value<'_>) -> bool {
        match key {
            "memory" => self.file.bounds.memory_factor = self.factor(value),
            "cpus" => self.file.bounds.cpu_factor = self.factor(value),
            "disk" => self.file.bounds.disk_factor = self.factor(value),
            _ => return false,
        }
        true
    }

    fn keep(&mut self, key: &str, value: &Value<'_>) -> bool {
        match key {
            "for" => self.file.keep_for = self.parsed(value, parse_duration),
            _ => return false,
        }
        true
    }

    fn gc(&mut self, key: &str, value: &Value<'_>) -> bool {
        match key {
            "every" => self.file.gc_every = self.parsed(value, period),
            _ => return false,
        }
        true
    }

    fn standby(&mut self, key: &str, value: &Value<'_>) -> bool {
        match key {
            "count" => self.file.standby = self.number_from(value, 0..=MOST_STANDBYS),
            "for" => self.file.standby_for = self.parsed(value, parse_duration),
            _ => return false,
        }
        true
    }

    fn build(&mut self, key: &str, value: &Value<'_>) -> bool {
        match key {
            "mirror" => self.file.mirror = self.parsed(value, mirror),
            _ => return false,
        }
        true
    }

    fn actions(&mut self, key: &str, value: &Value<'_>) -> bool {
        match key {
            "server" => self.file.actions_server = self.parsed(value, Server::parse),
            _ => return false,
        }
        true
    }

    fn labels(&mut self, value: &Value<'_>) {
        let Some(table) = self.table(value) else {
            return;
        };
        for (label, image) in table {
            if let Some(image) = self.image(image) {
                self.file.labels.push((label.get_ref().to_string(), image));
            }
        }
    }

    fn image(&mut self, value: &Value<'_>) -> Option<String> {
        self.parsed(value, |text| {
            check_name(text)
                .map(|()| text.to_owned())
                .map_err(|error| error.message)
        })
    }

    fn prefixes(&mut self, value: &Value<'_>) -> Option<Vec<String>> {
        let DeValue::Array(items) = value.get_ref() else {
            self.problem(
                &value.span(),
                "expected a list of addresses, as [\"10.1.0.0/16\"]",
            );
            return None;
        };
        let prefix = |text: &str| {
            if is_prefix(text) {
                Ok(text.to_owned())
            } else {
                Err(format!("`{text}` is no address or prefix, as 10.1.0.0/16"))
            }
        };
        items.iter().map(|item| self.parsed(item, prefix)).collect()
    }

    fn parsed<T>(
        &mut self,
        value: &Value<'_>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let DeValue::String(text) = value.get_ref() else {
            self.problem(&value.span(), "expected a text in quotes");
            return None;
        };
        match parse(text) {
            Ok(parsed) => Some(parsed),
            Err(why) => {
                self.problem(&value.span(), &why);
                None
            }
        }
    }

    fn number(&mut self, value: &Value<'_>) -> Option<u32> {
        self.number_from(value, 1..=u32::MAX)
    }

    fn number_from(&mut self, value: &Value<'_>, range: RangeInclusive<u32>) -> Option<u32> {
        let number = match value.get_ref() {
            DeValue::Integer(integer) => integer.as_str().parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = (range.start(), range.end());
            let text = match *most {
                u32::MAX => format!("expected a number of at least {least}"),
                most => format!("expected a number from {least} to {most}"),
            };
            self.problem(&value.span(), &text);
        }
        number
    }

    fn switch(&mut self, value: &Value<'_>) -> Option<bool> {
        match value.get_ref() {
            DeValue::Boolean(on) => Some(*on),
            _ => {
                self.problem(&value.span(), "expected true or false");
                None
            }
        }
    }

    fn factor(&mut self, value: &Value<'_>) -> Option<f64> {
        let text = match value.get_ref() {
            DeValue::Integer(number) => number.as_str(),
            DeValue::Float(number) => number.as_str(),
            _ => "",
        };
        match Overcommit::parse_factor(text) {
            Ok(factor) => Some(factor),
            Err(_) => {
                self.problem(&value.span(), "expected a factor from 0.1 to 100, as 1.5");
                None
            }
        }
    }

    fn table<'v, 't>(&mut self, value: &'v Value<'t>) -> Option<&'v DeTable<'t>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => {
                self.problem(&value.span(), "expected a table");
                None
            }
        }
    }

    fn unknown(&mut self, span: &Range<usize>, key: &str) {
        self.problem(span, &format!("there is no setting `{key}`"));
    }

    fn problem(&mut self, span: &Range<usize>, message: &str) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        let text = format!("{}:{line}:{column}: {message}", self.name);
        self.problems.push((span.start, text));
    }
}

fn network_mode(text: &str) -> Result<Network, String> {
    match text {
        "none" => Ok(Network::None),
        "full" => Ok(Network::Full),
        _ => Err(format!("`{text}` is neither `none` nor `full`")),
    }
}

fn mirror(text: &str) -> Result<String, String> {
    let good = ["http://", "https://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    let good = good && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if good {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is no http or https address"))
    }
}

/// What is done all the time does nothing else.
fn period(text: &str) -> Result<Duration, String> {
    let period = parse_duration(text)?;
    if period < Duration::from_secs(1) {
        return Err(format!("`{text}` is too short: once a second is the least"));
    }
    Ok(period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vmm::machine::Rates;

    #[test]
    fn every_setting_is_read() {
        let text = r#"
            default_image = "win"
            [labels]
            gpu = "big"
            [machine]
            cpus = 4
            memory = "8G"
            disk_limit = "10G"
            disk_rate = "50M"
            disk_operations = 500
            pin = true
            [overcommit]
            memory = 1.5
            cpus = 8
            disk = 2
            [network]
            rate = "1M"
            mode = "none"
            open = ["10.1.0.0/16"]
            [keep]
            for = "30m"
            [gc]
            every = "1m"
            [standby]
            count = 2
            for = "10m"
            [build]
            mirror = "https://mirror/debian"
            [actions]
            server = "https://git.example/"
        "#;
        let mut config = Config::default();
        parse("dormer.toml", text).unwrap().apply(&mut config);
        assert_eq!(config.default_image.as_deref(), Some("win"));
        assert_eq!(config.labels, [("gpu".to_owned(), "big".to_owned())]);
        assert_eq!((config.cpus, config.memory), (Some(4), Some(8 << 30)));
        assert_eq!(config.network, Network::None);
        assert_eq!(config.open, ["10.1.0.0/16"]);
        assert_eq!(config.keep_for, Duration::from_secs(1800));
        let expected = Allowance {
            disk: Some(10 << 30),
            pin: true,
            rates: Rates {
                disk_bytes: Some(50 << 20),
                disk_operations: Some(500),
                network_bytes: Some(1 << 20),
            },
            overcommit: Overcommit {
                memory: 1.5,
                cpus: 8.0,
                disk: 2.0,
            },
        };
        assert_eq!(config.allowance, expected);
        assert_eq!(config.gc_every, Duration::from_secs(60));
        assert_eq!(config.standby, Some(2));
        assert_eq!(config.standby_for, Duration::from_secs(600));
        let server = config.actions_server.map(|server| server.to_string());
        assert_eq!(server.as_deref(), Some("https://git.example"));
    }

    #[test]
    fn every_problem_is_reported_at_once_with_its_place() {
        let text = "default_image = 3\ncolour = \"red\"\n[machine]\ncpus = 0\nmemory = \"x\"\n\
                    [network]\nopen = [\"here\"]\n[standby]\ncount = 999\n";
        let error = parse("dormer.toml", text).unwrap_err();
        let lines: Vec<&str> = error.message.lines().collect();
        assert_eq!(lines.len(), 6, "{}", error.message);
        let expected = [
            ("1:17", "text"),
            ("2:1", "colour"),
            ("4:8", "at least 1"),
            ("5:10", "no size"),
            ("7:9", "no address"),
            ("9:9", "0 to 256"),
        ];
        for (line, (place, what)) in lines.iter().zip(expected) {
            let begins = line.starts_with(&format!("dormer.toml:{place}: "));
            assert!(begins && line.contains(what), "{place} {what} in {line}");
        }
        assert!(parse("x", "a = [").unwrap_err().message.starts_with("x:1:"));
    }

    #[test]
    fn a_strangers_file_chooses_images_and_nothing_else() {
        let file = parse(
            "dormer.toml",
            "[labels]\ngpu = \"other\"\nnew = \"theirs\"\n[network]\nopen = [\"10.0.0.0/8\"]\n\
             [actions]\nserver = \"https://evil.example\"\n",
        )
        .unwrap();
        let mut beyond = file.beyond_images().to_vec();
        beyond.sort();
        assert_eq!(beyond, ["actions.server", "network.open"]);
        let mut config = Config {
            labels: vec![("gpu".to_owned(), "mine".to_owned())],
            ..Config::default()
        };
        file.apply_images(&mut config);
        assert_eq!(config.actions_server, None);
        assert!(config.open.is_empty());
        assert_eq!(config.labels[0].1, "mine");
        assert_eq!(config.labels[1].1, "theirs");
    }
}
