//! What is made of whole command files.

use proptest::prelude::*;

use super::*;

/// The assignments as `name=value`, with the error at the end.
fn read(bytes: &[u8]) -> Vec<String> {
    let Assignments { entries, error } = parse_assignments(bytes);
    let entries = entries
        .into_iter()
        .map(|entry| format!("{}={}", entry.name, entry.value));
    entries
        .chain(error.map(|error| format!("! {error}")))
        .collect()
}

#[test]
fn assignments_are_read_as_the_official_runner_reads_them() {
    for (text, expected) in [
        ("", vec![]),
        ("\n\r\n\n", vec![]),
        ("A=1", vec!["A=1"]),
        ("A=1\nB=2\n", vec!["A=1", "B=2"]),
        ("A=1\r\nB=2\r\n", vec!["A=1", "B=2"]),
        ("A=1\n\n\nB=2", vec!["A=1", "B=2"]),
        ("A=", vec!["A="]),
        ("A==b=c", vec!["A==b=c"]),
        ("A=x<<y", vec!["A=x<<y"]),
        (" A = 1 ", vec![" A = 1 "]),
        ("A=\t'quoted' \"%PATH%\"", vec!["A=\t'quoted' \"%PATH%\""]),
        ("#=1", vec!["#=1"]),
        ("A=1\nA=2", vec!["A=1", "A=2"]),
        ("A=x\ry", vec!["A=x\ry"]),
        ("A<<EOF\nEOF\n", vec!["A="]),
        ("A<<EOF\n\nEOF\n", vec!["A="]),
        ("A<<EOF\n\n\nEOF\n", vec!["A=\n"]),
        ("A<<EOF\none\nEOF", vec!["A=one"]),
        ("A<<EOF\none\ntwo\nEOF\nB=2", vec!["A=one\ntwo", "B=2"]),
        ("A<<EOF\r\none\r\ntwo\r\nEOF\r\n", vec!["A=one\r\ntwo"]),
        ("A<<EOF\r\none\ntwo\r\nEOF\n", vec!["A=one\ntwo"]),
        ("A<<EOF\nB=1\nC<<X\n\nEOF\n", vec!["A=B=1\nC<<X\n"]),
        ("A<<E=F\nx\nE=F\n", vec!["A=x"]),
        ("A<<<<\nx\n<<\n", vec!["A=x"]),
        ("A<< EOF\nx\n EOF\n", vec!["A=x"]),
        ("A<<EOF\nEOF \n eof\nEOF\n", vec!["A=EOF \n eof"]),
        ("nope", vec!["! Invalid format 'nope'"]),
        ("A=1\n \nB=2", vec!["A=1", "! Invalid format ' '"]),
        ("A=1\r", vec!["A=1\r"]),
        ("A=1\r\r\n", vec!["A=1\r"]),
        ("A =1\n\tB=2", vec!["A =1", "\tB=2"]),
        ("A<<EOF \nx\nEOF\nEOF \n", vec!["A=x\nEOF"]),
        ("A <<EOF\nx\nEOF\n", vec!["A =x"]),
        ("A<<EOF\nx\r\nEOF\r\nB=1\r\n", vec!["A=x", "B=1"]),
        ("A<<EOF\n\r\nEOF\n", vec!["A="]),
        ("A<<EOF\r\n\r\n\r\nEOF\r\n", vec!["A=\r\n"]),
        ("A<<EOF\n x \n\ty\nEOF\n", vec!["A= x \n\ty"]),
        ("A<<EOF\nEOF\nA<<EOF\n2\nEOF\n", vec!["A=", "A=2"]),
        ("A<<B<<C\nx\nB<<C\n", vec!["A=x"]),
        ("A<B<<C\nx\nC\n", vec!["A<B=x"]),
        ("\u{feff}", vec![]),
        ("\u{feff}\u{feff}A=1", vec!["\u{feff}A=1"]),
        ("A=1\n\u{feff}B=2", vec!["A=1", "\u{feff}B=2"]),
        (
            "A<<EOF\nEOF\u{feff}\n",
            vec!["! Invalid value. Matching delimiter not found 'EOF'"],
        ),
        (
            "A<<EOF\nx\rEOF\r",
            vec!["! Invalid value. EOF marker missing new line."],
        ),
        (" ", vec!["! Invalid format ' '"]),
        (
            "\r\n=\r\n",
            vec!["! Invalid format '='. Name must not be empty"],
        ),
        ("A<\nB", vec!["! Invalid format 'A<'"]),
        ("=1", vec!["! Invalid format '=1'. Name must not be empty"]),
        (
            "<<EOF\nx\nEOF\n",
            vec![
                "! Invalid format '<<EOF'. Name must not be empty and delimiter must not be empty",
            ],
        ),
        (
            "A<<\nx\n",
            vec!["! Invalid format 'A<<'. Name must not be empty and delimiter must not be empty"],
        ),
        (
            "A<<EOF",
            vec!["! Invalid value. Matching delimiter not found 'EOF'"],
        ),
        (
            "A<<EOF\n",
            vec!["! Invalid value. Matching delimiter not found 'EOF'"],
        ),
        (
            "A<<EOF\nx\n",
            vec!["! Invalid value. Matching delimiter not found 'EOF'"],
        ),
        (
            "A<<EOF\nxEOF",
            vec!["! Invalid value. EOF marker missing new line."],
        ),
        (
            "A<<EOF\nx\nEOF ",
            vec!["! Invalid value. EOF marker missing new line."],
        ),
        (
            "A=1\nB<<X\ny",
            vec!["A=1", "! Invalid value. EOF marker missing new line."],
        ),
    ] {
        assert_eq!(read(text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn the_byte_order_mark_decides_the_encoding() {
    let text = "A=é😀\r\nB=2\r\n";
    let expected = vec!["A=é😀", "B=2"];
    let with_mark = format!("\u{feff}{text}");
    let units: Vec<u16> = with_mark.encode_utf16().collect();
    assert_eq!(read(text.as_bytes()), expected);
    assert_eq!(read(with_mark.as_bytes()), expected);
    assert_eq!(
        read(
            &units
                .iter()
                .flat_map(|u| u.to_le_bytes())
                .collect::<Vec<_>>()
        ),
        expected
    );
    assert_eq!(
        read(
            &units
                .iter()
                .flat_map(|u| u.to_be_bytes())
                .collect::<Vec<_>>()
        ),
        expected
    );
    let codes: Vec<u32> = with_mark.chars().map(u32::from).collect();
    assert_eq!(
        read(
            &codes
                .iter()
                .flat_map(|c| c.to_le_bytes())
                .collect::<Vec<_>>()
        ),
        expected
    );
    assert_eq!(
        read(
            &codes
                .iter()
                .flat_map(|c| c.to_be_bytes())
                .collect::<Vec<_>>()
        ),
        expected
    );
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    assert_eq!(read(b"A=\xff\xc3"), ["A=\u{fffd}\u{fffd}"]);
    assert_eq!(read(b"A=\xe2\x82x"), ["A=\u{fffd}x"]);
    assert_eq!(read(b"\xff\xfeA\0=\0\x00\xd8x\0y"), ["A=\u{fffd}x\u{fffd}"]);
    assert_eq!(
        read(b"\xff\xfe\0\0A\0\0\0=\0\0\0\0\xd8\0\0\x01"),
        ["A=\u{fffd}\u{fffd}"]
    );
}

#[test]
fn node_options_are_refused_for_the_environment_only() {
    let env = parse_env(b"A=1\nNode_Options=--inspect\nNODE_OPTIONS_=x\nB<<E\n");
    let names: Vec<_> = env
        .entries
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(names, ["A", "NODE_OPTIONS_"]);
    assert_eq!(
        env.refused,
        ["Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command."]
    );
    assert_eq!(
        env.error,
        Some(CommandFileError::NoDelimiter("E".to_owned()))
    );
    assert_eq!(read(b"NODE_OPTIONS=x"), ["NODE_OPTIONS=x"]);
}

#[test]
fn paths_stand_on_lines() {
    let paths = parse_path(b"\xef\xbb\xbfC:\\a b\r\n\r\nD:\\x\n/y\r C:\\z ").unwrap();
    assert_eq!(paths, ["C:\\a b", "D:\\x", "/y", " C:\\z "]);
    assert!(parse_path(b"").unwrap().is_empty());
}

#[test]
fn node_options_are_refused_however_they_are_written() {
    let env =
        parse_env(b"NODE_OPTIONS<<E\n--x\nE\nnode_options=\nNODE_OPTIONS =x\n NODE_OPTIONS=y\n");
    let names: Vec<_> = env
        .entries
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["NODE_OPTIONS ", " NODE_OPTIONS"],
        "names are compared as they stand"
    );
    assert_eq!((env.refused.len(), env.error), (2, None));
}

#[test]
fn what_windows_powershell_writes_is_read() {
    let written = "\u{feff}C:\\Äpfel\r\nD:\\x\r\n";
    let bytes: Vec<u8> = written.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(parse_path(&bytes).unwrap(), ["C:\\Äpfel", "D:\\x"]);
    assert_eq!(parse_summary(&bytes).unwrap(), ["C:\\Äpfel", "D:\\x"]);
    let written = "\u{feff}A<<E\r\n😀\r\nE\r\n";
    let bytes: Vec<u8> = written.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(&bytes), ["A=😀"]);
    // UTF-16 that is appended to a file without a mark is taken as UTF-8, as on GitHub.
    assert_eq!(read(b"A=1\nB\0=\x002\0"), ["A=1", "B\0=\u{0}2\u{0}"]);
}

#[test]
fn summaries_are_masked_by_lines() {
    for (text, expected) in [
        ("", vec![]),
        ("# a", vec!["# a"]),
        ("# a\n", vec!["# a"]),
        ("a\r\n\r\nb\rc\n\n", vec!["a", "", "b", "c", ""]),
        ("\u{feff}é\n", vec!["é"]),
        ("\n", vec![""]),
        ("a\r", vec!["a"]),
    ] {
        assert_eq!(
            parse_summary(text.as_bytes()).unwrap(),
            expected,
            "{text:?}"
        );
    }
    let large = vec![b'a'; SUMMARY_LIMIT];
    assert_eq!(parse_summary(&large).unwrap()[0].len(), SUMMARY_LIMIT);
    let error = parse_summary(&vec![b'a'; SUMMARY_LIMIT + 2048]).unwrap_err();
    assert!(error.to_string().starts_with(
        "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, got 1026k."
    ));
}

#[test]
fn summaries_are_text() {
    assert_eq!(parse_text("\u{feff}# é\n".as_bytes()).unwrap(), "# é\n");
}

#[test]
fn huge_files_are_refused() {
    let huge = vec![b'a'; FILE_LIMIT + 1];
    let error = CommandFileError::TooLarge(huge.len());
    assert_eq!(parse_assignments(&huge).error, Some(error.clone()));
    assert_eq!(parse_path(&huge), Err(error));
}

#[test]
fn failures_name_their_file() {
    assert_eq!(
        CommandFile::StepSummary.failure(),
        "Unable to process file command 'step_summary' successfully."
    );
    for kind in CommandFile::ALL {
        assert_eq!(
            kind.variable(),
            format!("GITHUB_{}", kind.to_string().to_uppercase())
        );
    }
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_env(&bytes);
        let _ = parse_path(&bytes);
        let _ = parse_text(&bytes);
        for line in parse_summary(&bytes).unwrap() {
            prop_assert!(!line.contains(['\r', '\n']));
        }
    }

    #[test]
    fn nothing_like_assignments_panics(text in "([A-C=<\r\n \u{e9}]|<<|EOF\n|\n){0,60}") {
        let _ = read(text.as_bytes());
    }

    /// What `@actions/core` writes comes back, whatever it is.
    #[test]
    fn heredocs_round_trip(name in "[^=<\r\n\u{feff}][^=<\r\n]{0,10}", value in any::<String>(), crlf in any::<bool>()) {
        prop_assume!(!value.contains("ghadelimiter"));
        let end = if crlf { "\r\n" } else { "\n" };
        // A value whose last character is CR would make one line end with the LF after it.
        prop_assume!(crlf || !value.ends_with('\r'));
        let file = format!("{name}<<ghadelimiter_1{end}{value}{end}ghadelimiter_1{end}");
        let expected = Assignments { entries: vec![Assignment { name, value }], error: None };
        prop_assert_eq!(parse_assignments(file.as_bytes()), expected);
    }
}
