use super::*;
use crate::jobs::trial::Trial;
use crate::repo::trial::git;

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

/// Has git apply the diff of a change, and compares what comes of it.
fn assert_git_agrees(change: &Change) {
    let dir = tempfile::tempdir().expect("a folder");
    let put = |path: &RepoPath, text: &Option<String>| {
        let file = path.under(dir.path());
        if let Some(text) = text {
            std::fs::create_dir_all(file.parent().expect("above")).expect("made");
            std::fs::write(file, text).expect("written");
        }
    };
    git(dir.path(), &["init", "-q"]);
    for file in &change.files {
        put(&file.path, &file.before);
    }
    let diff = change.to_unified();
    let at = dir.path().join("the.diff");
    std::fs::write(&at, &diff).expect("written");
    git(dir.path(), &["apply", "--whitespace=nowarn", "the.diff"]);
    for file in &change.files {
        let path = file.renamed_to.as_ref().unwrap_or(&file.path);
        let found = std::fs::read(path.under(dir.path())).ok();
        let wanted = file.after.as_ref().map(|text| text.clone().into_bytes());
        assert_eq!(found, wanted, "{diff}");
    }
}

#[test]
fn large_files_and_those_that_are_no_utf8_are_no_trouble() {
    let trial = Trial::new(&[("small.rs", "fn a() {}\n")]);
    let line = format!("var a = [{}];\n", "0,".repeat(500_000));
    let many: String = (0..30_000)
        .map(|n| format!("row {}\n", n % 29_000))
        .collect();
    trial.put("one_line.js", &line);
    trial.put("many.csv", &many);
    // UTF-8 that was damaged: nobody can say which letters stood there.
    let damaged = [
        "# caf\u{e9} na\u{ef}ve\n".as_bytes(),
        &b"name = \"stra\xdfe\"\n"[..],
    ];
    std::fs::write(trial.dir.path().join("latin.py"), damaged.concat()).expect("written");
    let plan = Plan {
        walks: 40,
        limit: 300,
        seed: 11,
    };
    let mut changed = Vec::new();
    let mut each = |_: usize, change: &Change| {
        changed.extend(change.files.iter().map(|file| file.path.to_string()));
        if change.files.iter().any(|f| f.path.as_str() == "many.csv") {
            assert_git_agrees(change);
        }
    };
    let report = walks(&trial.repo, &mut walker(), plan, &trial.cancel, &mut each);
    let report = report.expect("a report");
    assert_eq!(report.faults, [] as [&str; 0]);
    assert!(changed.iter().any(|path| path == "many.csv"), "{changed:?}");
    // What would not come back as it is is not offered.
    assert!(!changed.iter().any(|path| path == "latin.py"));
}

#[test]
fn whatever_chance_writes_applies() {
    let trial = adversarial();
    let plan = Plan {
        walks: 400,
        limit: 500,
        seed: 7,
    };
    let mut told = 0;
    let mut each = |number: usize, change: &Change| {
        // Git takes the diff of each, and comes to the same bytes.
        if number.is_multiple_of(4) && !change.is_empty() {
            assert_git_agrees(change);
            told += 1;
        }
    };
    let report = walks(&trial.repo, &mut walker(), plan, &trial.cancel, &mut each);
    let report = report.expect("a report");
    assert_eq!(report.faults, [] as [&str; 0]);
    assert!(told > 30, "{told}");
    // It is no proof if nothing was written.
    assert!(report.edits > 100, "{report:?}");
    assert!(
        report.changed_lines > 200 && report.ended > 50,
        "{report:?}"
    );
}
