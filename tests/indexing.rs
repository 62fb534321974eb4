//! What happens to an index when its maker is killed, or is not alone.

use std::time::Duration;

use crate::cli::{Place, code, stderr, stdout};

/// A repository of files whose contents tell which they are.
fn many() -> Place {
    let place = Place::git();
    for number in 0..120 {
        place.write(
            &format!("src/part_{number}.rs"),
            &format!(
                "/// Counts zebra_{number}.\npub fn count_zebra_{number}() {{\n    herd();\n}}\n"
            ),
        );
    }
    place.run_git(&["add", "-A"]);
    place.run_git(&["commit", "-q", "-m", "Begin"]);
    place
}

/// Numbers that look random and are the same every time.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    *seed >> 33
}

#[test]
fn whenever_the_indexer_is_killed_the_next_search_finds_everything() {
    let place = many();
    let whole = place.run(&["index"]);
    assert_eq!(code(&whole), 0, "{}", stderr(&whole));
    let mut seed = 7;
    let mut killed = 0;
    // How long each way takes, from none to all of which it is killed; it is found on the way.
    let mut spans = [Duration::from_millis(50); 2];
    for round in 0..100_u32 {
        // Something changes each time, and every other time all is made anew.
        let number = next(&mut seed) % 120;
        place.write(
            &format!("src/part_{number}.rs"),
            &format!(
                "/// Counts lion_{round}.\npub fn count_lion_{round}() {{\n    pride();\n}}\n"
            ),
        );
        let (way, arguments): (_, &[&str]) = match round % 2 {
            0 => (0, &["index", "--rebuild"]),
            _ => (1, &["index"]),
        };
        let mut child = place.command(arguments).spawn().expect("runs");
        std::thread::sleep(spans[way].mul_f64((next(&mut seed) % 1_000) as f64 / 1_000.0));
        let ended = child.try_wait().expect("asked").is_some();
        child.kill().expect("killed");
        child.wait().expect("ends");
        killed += u32::from(!ended);
        spans[way] = spans[way].mul_f64(if ended { 0.8 } else { 1.1 });
        let found = place.run(&[
            "search",
            "--format",
            "paths",
            &format!("count_lion_{round}"),
        ]);
        assert_eq!(code(&found), 0, "round {round}: {}", stderr(&found));
        assert!(
            stdout(&found).starts_with(&format!("src/part_{number}.rs\n")),
            "round {round}: {}",
            stdout(&found)
        );
        assert!(!stderr(&found).contains("damaged"), "{}", stderr(&found));
    }
    assert!(killed > 30, "only {killed} were killed at work");
    let stats = place.run(&["index", "--stats"]);
    assert!(stdout(&stats).contains("122 files"), "{}", stdout(&stats));
}

/// Memory that a thread cannot have ends the process; a limit that is too tight is said before.
#[cfg(target_os = "linux")]
#[test]
fn an_index_that_finds_no_room_is_refused_with_words() {
    let place = Place::committed();
    let output = place.limited("-v 400000", &["index", "--rebuild"]);
    let said = stderr(&output);
    assert_ne!(code(&output), 0, "{said}");
    assert!(
        said.contains("the index needs 671") && said.contains("ulimit -v"),
        "{said}"
    );
    // One that is there and needs nothing is read all the same.
    assert_eq!(code(&place.run(&["index"])), 0);
    let output = place.limited("-v 400000", &["search", "walk"]);
    let said = stderr(&output);
    assert!(!said.contains("address space"), "{said}");
}
