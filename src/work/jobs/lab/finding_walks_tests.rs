use super::*;
use crate::jobs::trial::Trial;

/// Every byte, and some tokens that cross borders.
fn walker() -> Walker {
    let mut bytes: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
    let longer = [
        "src/",
        "a.rs",
        ":1",
        "2: ",
        ": ",
        "error",
        "warning: ",
        "note: bug",
        "bug: ",
        "security",
        "\n> ",
        "    ",
        "}\n",
        "\n\n",
        "No find",
        "ings.",
        "No findings.",
        "the ",
        "fn ",
        " is",
        "\n<<<",
        ">>>>>>>\n",
        "\n>>>>",
        "é",
        "\u{1f600}",
        "a\n>",
    ];
    bytes.extend(longer.iter().map(|text| text.as_bytes().to_vec()));
    bytes.push(vec![0xf0, 0x9f]);
    Walker::new(bytes)
}

#[test]
fn what_chance_writes_are_findings_and_pieces_are_the_diff() {
    let body = |n: usize| {
        (0..n)
            .map(|line| format!("    line_{line}(\"é {}\");\n", line % 7))
            .collect::<String>()
    };
    let long = format!("let x = {};\n", "1+".repeat(3_000));
    let trial = Trial::new(&[
        ("src/a.rs", &format!("fn a() {{\n{}}}\n", body(80))),
        ("src/crlf.c", "int a;\r\nint b;\r\n"),
        ("gone.txt", "one\ntwo\n"),
        ("a b/ü.md", "# t\n"),
        ("long.js", &long),
    ]);
    trial.put(
        "src/a.rs",
        &format!(
            "fn a(x: u32) {{\n{}}}\n",
            body(95).replace("line_3", "row_3")
        ),
    );
    trial.put("src/crlf.c", "int a;\r\nint c;\r\nint d;");
    trial.put("a b/ü.md", "# t\n\u{1b}[1m steers\n>>>>>>> a line\n\n");
    trial.put("long.js", &long.replace("1+1", "2+2"));
    trial.put("new.py", "def f():\n\treturn 1\n");
    std::fs::remove_file(trial.dir.path().join("gone.txt")).expect("removed");
    trial.git(&["add", "-A"]);
    trial.git(&["commit", "-q", "-m", "much"]);
    trial.git(&["mv", "new.py", "moved.py"]);
    trial.put("moved.py", "def f():\n\treturn 2\n");
    trial.git(&["commit", "-q", "-am", "moved"]);
    let plan = Plan {
        commits: 10,
        walks: 60,
        limit: 400,
    };
    let (repo, index, cancel) = (&trial.repo, &trial.index, &trial.cancel);
    let report = finding_walks(repo, index, &mut walker(), plan, cancel, &mut |_| ());
    let report = report.expect("a report");
    assert_eq!(report.faults, [] as [&str; 0]);
    assert_eq!(report.diffs, 3);
    assert!(report.left_out >= 2, "the long line is said to be left out");
    // It is no proof if nothing was written.
    assert!(
        report.findings > 100 && report.suggestions > 5,
        "{report:?}"
    );
    assert!(report.none > 0, "{report:?}");
}
