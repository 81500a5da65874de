//! `dormer.toml`: the user's own, and a checkout's.

use super::{CONFIGURATION, GOOD, Host, asks_for_the_engine, assert_says, refused};

const OWN: &str = ".config/dormer/dormer.toml";

#[test]
fn every_mistake_is_reported_at_once_from_top_to_bottom() {
    let host = Host::with_good_job();
    host.write(
        "my.toml",
        "colour = 1\n[machine]\ncpus = 0\nmemory = \"x\"\n[network]\nmode = \"lan\"\n\
         open = [\"here\"]\n[labels]\ngpu = \"../x\"\n",
    );
    for arguments in [&["run", "good.yml"][..], &["gc"], &["doctor"]] {
        let program = host.dormer(arguments).env("DORMER_CONFIG", "my.toml");
        assert_eq!(
            refused(program, CONFIGURATION),
            "error: my.toml:1:1: there is no setting `colour`\n\
             my.toml:3:8: expected a number of at least 1\n\
             my.toml:4:10: `x` is no size: write 512M, 2G or 4GiB\n\
             my.toml:6:8: `lan` is neither `none` nor `full`\n\
             my.toml:7:9: `here` is no address or prefix, as 10.1.0.0/16\n\
             my.toml:9:7: `../x` is no name for an image\n \
             help: `docs/configuration.md` lists every setting\n"
        );
    }
}

#[test]
fn what_machines_may_take_is_checked_wherever_it_is_set() {
    let host = Host::with_good_job();
    host.write(
        "my.toml",
        "[machine]\ndisk_limit = \"1M\"\ndisk_rate = \"1\"\npin = 1\n[overcommit]\nmemory = 0\n\
         cpus = \"4\"\nnetwork = 1\n",
    );
    let program = host.run_good([""; 0]).env("DORMER_CONFIG", "my.toml");
    assert_eq!(
        refused(program, CONFIGURATION),
        "error: my.toml:2:14: `1M` is too little for a machine's disk: at least 64M\n\
         my.toml:3:13: `1` is too little for a second: at least 16K\n\
         my.toml:4:7: expected true or false\n\
         my.toml:6:10: expected a factor from 0.1 to 100, as 1.5\n\
         my.toml:7:8: expected a factor from 0.1 to 100, as 1.5\n\
         my.toml:8:1: there is no setting `overcommit.network`\n \
         help: `docs/configuration.md` lists every setting\n"
    );
    let program = host.run_good([""; 0]).env("DORMER_OVERCOMMIT_CPUS", "many");
    assert_eq!(
        refused(program, CONFIGURATION),
        "error: DORMER_OVERCOMMIT_CPUS: `many` is no factor from 0.1 to 100\n"
    );
    host.write(
        "my.toml",
        "[machine]\ndisk_limit = \"1G\"\npin = true\n[overcommit]\nmemory = 0.8\ncpus = 2\n",
    );
    let flags = [
        "--disk-rate",
        "1M",
        "--disk-operations",
        "100",
        "--pin",
        "--network-rate",
        "64K",
    ];
    asks_for_the_engine(host.run_good(flags).env("DORMER_CONFIG", "my.toml"));
}

#[test]
fn the_users_file_is_found_where_such_files_are() {
    let host = Host::with_good_job();
    let own = host.write(OWN, "[machine\n");
    let said = refused(host.run_good([""; 0]), CONFIGURATION);
    assert_says(&said, &[&format!("{}:1:", own.display())]);
    host.write("xdg/dormer/dormer.toml", "");
    let xdg = host.path().join("xdg").display().to_string();
    asks_for_the_engine(host.run_good([""; 0]).env("XDG_CONFIG_HOME", &xdg));
}

#[test]
fn a_file_that_is_named_and_not_there_is_a_mistake() {
    let host = Host::with_good_job();
    let program = host.run_good([""; 0]).env("DORMER_CONFIG", "none.toml");
    let said = refused(program, CONFIGURATION);
    assert_says(&said, &["cannot read `none.toml`: No such file"]);
}

#[test]
fn labels_lead_to_images_and_an_image_that_is_not_there_is_the_files_mistake() {
    let host = Host::new();
    host.write(
        "w.yml",
        GOOD.replace("windows-latest", "[self-hosted, GPU]"),
    );
    host.write(OWN, "[labels]\ngpu = \"compat\"\n");
    asks_for_the_engine(host.dormer(["run", "w.yml"]));
    for wrong in [
        "[labels]\ngpu = \"big\"\n",
        "default_image = \"big\"\n[labels]\n",
    ] {
        host.write(OWN, wrong);
        let job = if wrong.contains("gpu") {
            "w.yml"
        } else {
            "good.yml"
        };
        host.write("good.yml", GOOD);
        assert_eq!(
            refused(host.dormer(["run", job]), CONFIGURATION),
            "error: there is no image `big`, which a dormer.toml names\n \
             help: the images are: compat\n"
        );
    }
}

#[test]
fn a_checkout_chooses_images_and_nothing_else() {
    let host = Host::new();
    host.write(
        "w.yml",
        GOOD.replace("windows-latest", "[self-hosted, gpu]"),
    );
    host.write(
        "checkout/dormer.toml",
        "[labels]\ngpu = \"compat\"\n[network]\nmode = \"full\"\nopen = [\"10.0.0.0/8\"]\n\
         [machine]\ncpus = 64\n[keep]\nfor = \"99h\"\n",
    );
    let said = asks_for_the_engine(host.dormer(["run", "w.yml", "--workspace", "checkout"]));
    let ignored = ["network.mode", "network.open", "machine.cpus", "keep.for"];
    for setting in ignored {
        assert_says(&said, &[&format!("warning: `{setting}` in `")]);
    }
    assert_says(
        &said,
        &["has no effect: only your own dormer.toml may set it"],
    );
    assert_eq!(said.lines().count(), ignored.len(), "{said}");
}

#[test]
fn what_the_users_file_says_of_a_label_stands_above_a_checkouts() {
    let host = Host::new();
    host.write(
        "w.yml",
        GOOD.replace("windows-latest", "[self-hosted, gpu]"),
    );
    host.write(OWN, "[labels]\ngpu = \"mine\"\n");
    host.write("checkout/dormer.toml", "[labels]\ngpu = \"compat\"\n");
    let program = host.dormer(["run", "w.yml", "--workspace", "checkout"]);
    assert_says(
        &refused(program, CONFIGURATION),
        &["there is no image `mine`"],
    );
}

#[test]
fn a_checkout_that_asks_for_secrets_or_limits_is_refused() {
    let host = Host::with_good_job();
    host.write(
        "checkout/dormer.toml",
        "secrets = [\"TOKEN\"]\n[limits]\ndisk = \"1T\"\n",
    );
    let program = host.run_good(["--workspace", "checkout"]).env("TOKEN", "x");
    let said = refused(program, CONFIGURATION);
    let file = "checkout/dormer.toml";
    assert_says(
        &said,
        &[
            &format!("{file}:1:1: there is no setting `secrets`"),
            &format!("{file}:2:2: there is no setting `limits`"),
        ],
    );
}
