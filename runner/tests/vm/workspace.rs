//! The workspace goes in: what comes along, what stays behind, and that it arrives whole.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::lab::Lab;

#[test]
fn what_git_ignores_stays_behind_and_the_rest_comes_along() {
    let lab = Lab::new();
    for name in [
        "ws/kept.txt",
        "ws/.hidden/x",
        "ws/target/big.o",
        "ws/sub/no.log",
        "ws/sub/ä b.txt",
        "ws/.git/HEAD",
    ] {
        lab.write(name, name);
    }
    lab.write("ws/.gitignore", "*.log\n/target/\n");
    std::os::unix::fs::symlink("kept.txt", lab.path("ws/link")).expect("a link");
    let steps = "- shell: bash\n  run: find . -type f -o -type l | sort; cat link\n- run: type \
                 .gitignore";
    let ran = lab.run(steps, &["--workspace", "ws"]).expect(0);
    assert_eq!(
        ran.events.log(1),
        [
            "./.git/HEAD",
            "./.gitignore",
            "./.hidden/x",
            "./kept.txt",
            "./link",
            "./sub/ä b.txt",
            "ws/kept.txt"
        ]
    );
    assert_eq!(ran.events.log(2), ["*.log", "/target/"]);
}

#[test]
fn a_link_that_leads_out_is_refused_before_a_machine_is_made() {
    let lab = Lab::new();
    lab.write("ws/a.txt", "a");
    std::os::unix::fs::symlink("/etc/passwd", lab.path("ws/evil")).expect("a link");
    let finished = lab
        .job("- run: echo hi", &["--workspace", "ws"])
        .run()
        .expect(2);
    assert!(finished.stderr.contains("`evil`"), "{}", finished.stderr);
    lab.assert_nothing_left();
}

#[test]
fn one_large_file_and_many_small_ones_go_in_and_come_back_as_they_were() {
    let lab = Lab::new();
    // Bytes that compress badly and repeat nowhere within reach.
    let large: Vec<u8> = (0_u32..16 << 20)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    lab.write("ws/data/large.bin", &large);
    for number in 0..2_000 {
        lab.write(
            &format!("ws/data/{}/{number}.txt", number % 40),
            number.to_string(),
        );
    }
    lab.write("ws/data/empty", "");
    let more = [
        "--workspace",
        "ws",
        "--artifact",
        r"data\**",
        "--out",
        "out",
    ];
    let steps = "- shell: bash\n  run: find data -type f | wc -l";
    let ran = lab.run(steps, &more).expect(0);
    assert_eq!(ran.events.log(1), ["2002"]);
    assert_eq!(ran.events.of("artifact").count(), 2_002);
    assert_eq!(
        listing(&lab.path("ws/data")),
        listing(&lab.path("out/data"))
    );
    lab.assert_nothing_left();
}

/// Every file with its digest.
fn listing(root: &Path) -> String {
    let mut lines = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let digest = dormer::image::manifest::Digest::of(&fs::read(&path).expect("a file"));
            let name = path.strip_prefix(root).expect("below the root");
            lines.push(format!("{} {digest}", name.display()));
        }
    }
    lines.sort();
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    text
}
