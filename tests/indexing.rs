//! What happens to an index when its maker is killed, or is not alone.

use std::time::{Duration, Instant};

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
    let begun = Instant::now();
    let whole = place.run(&["index"]);
    assert_eq!(code(&whole), 0, "{}", stderr(&whole));
    let time = begun.elapsed();
    let mut seed = 7;
    for round in 0..100_u32 {
        // Something changes each time, and every tenth time all is made anew.
        let number = next(&mut seed) % 120;
        place.write(
            &format!("src/part_{number}.rs"),
            &format!(
                "/// Counts lion_{round}.\npub fn count_lion_{round}() {{\n    pride();\n}}\n"
            ),
        );
        let rebuild: &[&str] = &["index", "--rebuild"];
        let arguments = if round % 10 == 0 { rebuild } else { &["index"] };
        let mut child = place.command(arguments).spawn().expect("runs");
        let share = next(&mut seed) % 1_200;
        std::thread::sleep(Duration::from_micros(
            u64::try_from(time.as_micros()).unwrap_or(0) * share / 1_000,
        ));
        child.kill().expect("killed");
        child.wait().expect("ends");
        if round % 5 != 0 {
            continue;
        }
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
    let stats = place.run(&["index", "--stats"]);
    assert!(stdout(&stats).contains("122 files"), "{}", stdout(&stats));
}
