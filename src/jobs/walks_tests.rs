use super::super::trial::Trial;
use super::*;

/// A vocabulary: every byte, and some tokens that cross borders.
fn walker() -> Walker {
    let mut bytes: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
    let longer = [
        "***",
        "*** ",
        "replace",
        "rewrite ",
        "create ",
        "delete ",
        "rename ",
        "end",
        "<<<<<<<",
        "=======",
        ">>>>>>>",
        "\n\n",
        "\n<<",
        "}\n",
        "\n===",
        "\n>>>>>>>\n",
        ">\n***",
        "    ",
        "\t\t",
        "return",
        "fn ",
        "é",
        "\u{1f600}",
        ".rs",
        "src/",
        "a",
        "same\n",
        "same\nsame",
        "\n}",
    ];
    bytes.extend(longer.iter().map(|text| text.as_bytes().to_vec()));
    bytes.push(vec![0xf0, 0x9f]);
    Walker::new(bytes)
}

fn adversarial() -> Trial {
    let same = "same\n".repeat(60);
    let long = format!("let x = {};\n{}", "1+".repeat(3_000), same);
    let many: String = (0..1500)
        .map(|n| format!("line {n} of {}\n", n % 7))
        .collect();
    Trial::new(&[
        (
            "src/walk.rs",
            "fn walk() {\n    step();\n}\n\nfn leap() {\n    step();\n}\n",
        ),
        ("src/crlf.c", "int a;\r\nint b;\r\n\r\nint c;\r\n"),
        ("src/mixed.c", "int a;\r\nint b;\nint c;"),
        ("tabs.go", "func a() {\n\tb()\n\n\tc()\n}\n"),
        ("none.txt", "no newline at the end"),
        ("bom.py", "\u{feff}def a():\n    return 1\n"),
        (
            "emoji.md",
            "# \u{1f600} é\n\n```\n=======\n>>>>>>>\n```\n<<<<<<< HEAD\n",
        ),
        ("empty.rs", ""),
        ("blank.txt", "\n\n\n\n"),
        ("same.txt", &same),
        ("long.js", &long),
        ("many.txt", &many),
        ("a b/ü.rs", "struct A;\n"),
    ])
}

#[test]
fn whatever_chance_writes_applies() {
    let trial = adversarial();
    let plan = Plan {
        walks: 400,
        limit: 500,
        seed: 7,
    };
    let report = walks(&trial.repo, &mut walker(), plan, &trial.cancel, &mut |_| ());
    let report = report.expect("a report");
    assert_eq!(report.faults, [] as [&str; 0]);
    // It is no proof if nothing was written.
    assert!(report.edits > 100, "{report:?}");
    assert!(
        report.changed_lines > 200 && report.ended > 50,
        "{report:?}"
    );
}
