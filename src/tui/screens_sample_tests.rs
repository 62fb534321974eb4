//! What is on the screen in the tests.

use super::*;

pub(super) const CODE: &str = "fn check_symlink_loop(path: &Path) -> Result<(), Error> {\n    let handle = \
    Handle::from_path(path)?;\n    for ancestor in ancestors(path) {\n        if same(&handle, \
    ancestor) {\n            return Err(Error::Loop);\n        }\n    }\n    Ok(())\n}\n";

pub(super) fn context() -> Context {
    let excerpt = |id, name: &str, from, to, why, symbol: Option<&str>, tokens| Excerpt {
        frame: Vec::new(),
        id,
        path: path(name),
        range: LineRange::new(from, to),
        text: CODE.into(),
        symbol: symbol.map(str::to_owned),
        why,
        tokens,
    };
    Context {
        told: Vec::new(),
        excerpts: vec![
            excerpt(
                1,
                "crates/ignore/src/walk.rs",
                1480,
                1502,
                Why::Search,
                Some("check_symlink_loop"),
                412,
            ),
            excerpt(
                2,
                "crates/ignore/src/walk.rs",
                1102,
                1102,
                Why::Definition,
                None,
                1260,
            ),
            excerpt(3, "README.md", 1, 30, Why::Mention, None, 88),
        ],
        left_out: vec![
            LeftOut {
                path: path("crates/ignore/src/dir.rs"),
                range: Some(LineRange::new(10, 900)),
                tokens: 9_120,
                reason: "does not fit".into(),
            },
            LeftOut {
                path: path("assets/logo.png"),
                range: None,
                tokens: 0,
                reason: "binary".into(),
            },
        ],
        map: String::new(),
        past: None,
        rules: Some((path("AGENTS.md"), "Write plainly.\n".into())),
        tokens: 1_760,
        budget: 2_000,
        index_complete: true,
    }
}

pub(super) const ANSWER: &str = "A loop is caught before a directory is read: `check_symlink_loop` walks up \
    the chain of open ancestors and compares device and inode [1]. The error is reported as an \
    entry, and the walk goes on [2].\n\n```rust src/walk.rs:1480-1482\nfn \
    check_symlink_loop(graph: &Ancestors, child_path: &Path, depth: usize) -> Result<(), Error> \
    {\n\tlet hchild = Handle::from_path(child_path)?;\n}\n```\n\n- **device** and *inode* are \
    compared\n- a link to itself is one, too\n";

pub(super) fn sources() -> Vec<Source> {
    let source = |id, start, end| Source {
        id,
        path: path("crates/ignore/src/walk.rs"),
        start,
        end,
        cited: true,
    };
    vec![source(1, 1480, 1502), source(2, 1102, 1102)]
}

pub(super) fn turn(answer: &str) -> Turn {
    Turn {
        request: "and now?".into(),
        sent: String::new(),
        answer: answer.into(),
        sources: Vec::new(),
        continues: false,
        whole: false,
    }
}

/// A question is answered in full.
pub(super) fn answered(screen: &mut Screen, answer: &str) {
    screen.say("why does a symlink loop not hang the walk?");
    screen.told(Told::Context {
        version: 1,
        context: context(),
    });
    screen.told(Told::Prefill {
        done: 1_870,
        total: 1_870,
        cached: 0,
        rate: 92.0,
    });
    screen.wait(400);
    screen.told(Told::Token {
        text: answer.to_owned(),
    });
    screen.wait(2_000);
    for source in sources() {
        screen.told(Told::Source(source));
    }
    screen.told(Told::Usage(Usage {
        prompt_tokens: 1_870,
        cached_tokens: 0,
        generated_tokens: 110,
        prefill_s: 20.0,
        decode_s: 10.0,
        drafted_tokens: 0,
        accepted_tokens: 0,
    }));
    screen.done(Ok(Answer::Ask {
        turn: Turn {
            request: "why does a symlink loop not hang the walk?".into(),
            sent: "…".into(),
            answer: answer.to_owned(),
            sources: sources(),
            continues: false,
            whole: false,
        },
        context: context(),
        stopped: false,
    }));
}

/// A patch of two files is planned.
pub(super) fn planned(screen: &mut Screen) {
    screen.say("/patch keep the path in the error");
    screen.told(Told::Context {
        version: 1,
        context: context(),
    });
    let before: String = (1..=40)
        .map(|n| match n {
            10 => "fn check(path: &Path) -> Result<()> {\n".to_owned(),
            12 => "    open(path).map_err(|e| e.into())?;\n".to_owned(),
            30 => "    close(path);\n".to_owned(),
            n => format!("    // line {n}\n"),
        })
        .collect();
    let after = before
        .replace("|e| e.into()", "|e| Error::from(e).with_path(path)")
        .replace("    close(path);\n", "    close(path);\n    log(path);\n");
    screen.done(Ok(Answer::Patch {
        change: Change {
            files: vec![
                FileChange {
                    path: path("src/walk.rs"),
                    renamed_to: None,
                    before: Some(before),
                    after: Some(after),
                },
                FileChange {
                    path: path("src/log.rs"),
                    renamed_to: None,
                    before: None,
                    after: Some("pub fn log(path: &Path) {}\n".into()),
                },
            ],
        },
        prose: "The error now carries the path, and closing is logged.".into(),
        troubles: vec![
            "the change to src/old.rs:3-4 is left out: the file was changed meanwhile".into(),
        ],
        context: context(),
        stopped: false,
    }));
}

pub(super) fn finding(severity: Severity, file: &str, line: u32, title: &str) -> Finding {
    Finding {
        path: path(file),
        line,
        side: DiffKind::Added,
        severity,
        category: "bug".into(),
        quote: "x".into(),
        title: title.into(),
        reason: "On Windows the handle is closed before the error is made, so the path is lost. \
                 Keep a copy of it."
            .into(),
        verified: severity != Severity::Note,
        rule: None,
        suggestion: None,
        secret: None,
    }
}

pub(super) fn findings() -> Vec<Finding> {
    vec![
        finding(
            Severity::Error,
            "src/walk.rs",
            1482,
            "the error loses its path on Windows",
        ),
        finding(
            Severity::Warning,
            "src/types.rs",
            88,
            "unwrap on user input",
        ),
        finding(
            Severity::Note,
            "crates/ignore/src/a/very/long/way/down/to/lib.rs",
            12,
            "doc comment names the old function, which was renamed long ago and is no more",
        ),
    ]
}

pub(super) fn model(name: &str, gigabytes: u64, fit: Fit) -> ModelRow {
    ModelRow {
        name: name.into(),
        about: "answers well about code".into(),
        bytes: gigabytes * 1_000_000_000,
        memory: gigabytes * 1_300_000_000,
        free: 6_100_000_000,
        fit,
        installed: false,
        partial: 0,
        from: "huggingface.co/example/model-GGUF".into(),
        license: "Apache-2.0".into(),
        recommended: false,
    }
}

pub(super) fn models() -> Vec<ModelRow> {
    vec![
        ModelRow {
            recommended: true,
            ..model("qwen3.5-4b", 3, Fit::Yes)
        },
        ModelRow {
            partial: 400_000_000,
            ..model("qwen3.5-2b", 2, Fit::Yes)
        },
        ModelRow {
            installed: true,
            ..model("starter", 1, Fit::Yes)
        },
        model("qwen3-coder-30b", 19, Fit::No),
        model("something-new", 2, Fit::Unsupported),
    ]
}
