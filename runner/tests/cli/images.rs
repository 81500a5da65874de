//! `dormer image` where nothing was built.

use std::os::unix::fs::symlink;

use dormer::image::manifest::Digest;
use dormer::image::store::Store;
use serde_json::{Value, json};

use super::{Host, INFRASTRUCTURE, USAGE, assert_orderly, assert_says, refused};

#[test]
fn images_that_can_be_built_are_listed() {
    let host = Host::new();
    let finished = host.dormer(["image", "list"]).run().expect(0);
    assert_orderly(&finished);
    assert_says(&finished.stdout, &["NAME", "compat", "not built"]);
    let finished = host
        .dormer(["image", "list", "--format", "json"])
        .run()
        .expect(0);
    let listed: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(listed, json!([{"name": "compat", "state": "not built"}]));
}

#[test]
fn an_image_without_templates_says_so_and_an_unknown_one_is_refused() {
    let host = Host::new();
    let finished = host.dormer(["image", "cool", "compat"]).run().expect(0);
    assert_says(&finished.stdout, &["compat has no templates"]);
    for action in ["cool", "warm"] {
        let said = refused(host.dormer(["image", action, "nope"]), USAGE);
        assert_says(&said, &["`nope`", "compat"]);
    }
}

#[test]
fn an_image_that_was_not_built_says_how_it_is() {
    let host = Host::new();
    for action in ["inspect", "verify", "remove"] {
        let said = refused(host.dormer(["image", action, "compat"]), USAGE);
        assert_eq!(
            said,
            "error: the image `compat` has not been built\n help: build it with `dormer image \
             build compat`\n"
        );
    }
}

#[test]
fn an_unknown_image_is_refused_with_those_that_there_are() {
    let host = Host::new();
    for action in ["build", "inspect", "verify", "remove"] {
        for name in ["windows-95", "../../../etc", ".", ""] {
            let said = refused(host.dormer(["image", action, name]), USAGE);
            assert_says(
                &said,
                &[
                    &format!("there is no image `{name}`\n"),
                    "images are: compat",
                ],
            );
        }
    }
}

#[test]
fn a_manifest_that_is_damaged_is_named_and_can_be_removed() {
    let host = Host::new();
    let digest = format!("sha256:{}", "a".repeat(64));
    host.write("dormer/images/names/compat/current", digest);
    let said = refused(host.dormer(["image", "inspect", "compat"]), INFRASTRUCTURE);
    assert_says(&said, &["`compat`"]);
    let finished = host.dormer(["image", "list"]).run().expect(0);
    assert_says(&finished.stdout, &["unreadable"]);
    let finished = host.dormer(["image", "remove", "compat"]).run().expect(0);
    assert_says(&finished.stdout, &["removed compat sha256:aaaa"]);
}

#[test]
fn an_image_that_another_home_uses_is_not_removed_from_the_store_that_they_share() {
    let (host, other) = (Host::new(), Host::new());
    let digest = Digest::of(b"image");
    let images = other.path().join("dormer/images");
    other.write("dormer/images/names/compat/current", digest.to_string());
    let machine = other.path().join("dormer/instances/abcdefghij");
    std::fs::create_dir_all(&machine).expect("its directory");
    let store = Store::open(&images).expect("the store");
    store.record_use(&digest, &machine).expect("its use");
    std::fs::create_dir(host.path().join("dormer")).expect("a home");
    symlink(&images, host.path().join("dormer/images")).expect("a link");

    let said = refused(host.dormer(["image", "remove", "compat"]), INFRASTRUCTURE);
    assert_says(&said, &["is in use by", &machine.display().to_string()]);
    let said = refused(other.dormer(["image", "remove", "compat"]), INFRASTRUCTURE);
    assert_says(&said, &["is in use by abcdefghij\n"]);
    std::fs::remove_dir(&machine).expect("it goes");
    let finished = host.dormer(["image", "remove", "compat"]).run().expect(0);
    assert_says(&finished.stdout, &["removed compat"]);
}
