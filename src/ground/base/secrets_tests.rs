use proptest::prelude::*;

use super::*;

fn found(text: &str) -> Vec<(&'static str, &str)> {
    let secrets = secrets(text).expect("every form can be read");
    secrets
        .iter()
        .map(|secret| (secret.kind, secret.text(text)))
        .collect()
}

fn shown(text: &str) -> String {
    masked(text).expect("every form can be read").into_owned()
}

/// The rows of a key, as long as such are.
fn rows(count: usize) -> Vec<String> {
    let letters = "MIIEvQ9+aB3dE6gH/jK2";
    let row = |n: usize| letters.chars().cycle().skip(n).take(64).collect::<String>();
    (0..count).map(row).chain(["Zx4=".to_owned()]).collect()
}

fn key(kind: &str, rows: &[String], newline: &str) -> String {
    let name = format!("{kind}PRIVATE KEY");
    let body = rows.join(newline);
    format!("-----BEGIN {name}-----{newline}{body}{newline}-----END {name}-----")
}

#[test]
fn each_form_finds_its_own_and_no_other_does() {
    for (kind, sample) in samples() {
        for line in [
            sample.clone(),
            format!("let k = \"{sample}\";"),
            format!("{kind}: {sample}"),
            format!("<{sample}>"),
        ] {
            assert_eq!(found(&line), [(kind, sample.as_str())], "{line}");
        }
    }
}

#[test]
fn a_secret_is_found_wherever_it_stands_free() {
    let key = "AKIA".to_owned() + "QX7RZ2LMN4TBWY5V";
    for (before, behind) in [
        ("密钥", "は"),
        ("\"start\\n", "\""),
        ("\\t", ""),
        ("_", "_"),
        ("\\u001b[0;31m", ""),
        ("\r", "\r"),
        ("sk-", ""),
        (&"x".repeat(100_000), ""),
    ] {
        let free = if before.len() > 1000 { " " } else { "" };
        let line = format!("{before}{free}{key}{behind}");
        assert_eq!(found(&line).len(), 1, "{before:.80}");
    }
    for line in [format!("x{key}"), format!("{key}1"), format!("\\x{key}")] {
        assert_eq!(found(&line), [], "{line}");
    }
}

#[test]
fn what_manuals_show_is_none() {
    for text in [
        "AKIAIOSFODNN7EXAMPLE",
        "postgres://user:pass@localhost/db",
        "https://example.org/a:b@c",
        "sk-ant-short",
        "the gh_ prefix",
        "-----BEGIN PUBLIC KEY-----",
        "see http://host:8080/a@b and c://d:e",
    ] {
        assert_eq!(found(text), [], "{text}");
        assert_eq!(shown(text), text);
    }
}

#[test]
fn a_masked_text_holds_no_secret_and_as_many_lines() {
    for (kind, sample) in samples()
        .into_iter()
        .filter(|(kind, _)| *kind != PRIVATE_KEY)
    {
        let text = format!("a\nlet k = \"{sample}\"; // ü {sample}\r\nb");
        let shown = shown(&text);
        assert_eq!(
            shown,
            format!("a\nlet k = \"{MASK}\"; // ü {MASK}\r\nb"),
            "{kind}"
        );
    }
}

#[test]
fn every_row_of_a_private_key_is_masked() {
    let rows = rows(5);
    let none_is_in = |text: &str| {
        let shown = shown(text);
        for row in &rows {
            assert!(!shown.contains(row.as_str()), "{row}: {shown}");
        }
        assert_eq!(shown.lines().count(), text.lines().count());
        shown
    };
    for kind in ["", "RSA ", "EC ", "OPENSSH "] {
        let text = format!("{}\nand then\nwords\n", key(kind, &rows, "\n"));
        let masked = none_is_in(&text);
        assert!(masked.ends_with("-----\nand then\nwords\n"), "{masked}");
        none_is_in(&key(kind, &rows, "\r\n"));
        // In the strings of programs, in lists, in comments, and within a file of settings.
        none_is_in(&format!("k = \"{}\"", key(kind, &rows, "\\n")));
        none_is_in(&format!("k = \"{}\"", key(kind, &rows, "\\n\" +\n    \"")));
        none_is_in(&key(kind, &rows, "\n# "));
        none_is_in(&key(kind, &rows, "\\n'\n    b'"));
        none_is_in(&format!(
            "k={}",
            key(kind, &rows, "").replace("-----END", "\n-----END")
        ));
        none_is_in(&key(kind, &rows, "\n// "));
        none_is_in(&key(kind, &rows, "\n    "));
    }
    let locked = format!("Proc-Type: 4,ENCRYPTED\n\n{}", rows.join("\n"));
    none_is_in(&key("RSA ", &[locked], "\n"));
    // Without an end.
    let open = key("", &rows, "\n");
    let (open, _) = open.split_once("-----END").expect("an end");
    none_is_in(open);
}

#[test]
fn code_that_speaks_of_keys_is_no_key() {
    let begin = format!("-----BEGIN {}-----", "PRIVATE KEY");
    let code = format!("if text.contains(\"{begin}\") {{\n    return\n}}\nend\n");
    assert_eq!(shown(&code), code);
    let prose = format!("It begins with `{begin}`.\nNothing\nelse\n");
    assert_eq!(shown(&prose), prose);
}

#[test]
fn a_part_of_a_key_is_masked_too() {
    let rows = rows(4);
    let text = format!("+{}\n-----END RSA PRIVATE KEY-----\n", rows.join("\n"));
    let places = places_of_part(text.get(1..).expect("text")).expect("forms");
    let shown = without(text.get(1..).expect("text"), &places).into_owned();
    assert_eq!(
        shown,
        format!("{MASK}\n").repeat(5) + "-----END RSA PRIVATE KEY-----\n"
    );
    let middle = rows
        .iter()
        .take(2)
        .map(|row| format!("{row}\n"))
        .collect::<String>();
    assert_eq!(
        without(&middle, &places_of_part(&middle).expect("forms")),
        format!("{MASK}\n{MASK}\n")
    );
    let rule = format!("{}\n{}\nword\n", "=".repeat(64), "a".repeat(64));
    assert!(places_of_part(&rule).expect("forms").is_empty());
}

#[test]
fn every_secret_comes_back_in_every_form_of_edit() {
    for (kind, sample) in samples()
        .into_iter()
        .filter(|(kind, _)| *kind != PRIVATE_KEY)
    {
        let before = format!("a = 1\nkey = \"{sample}\"\nb = 2\n");
        let back = |lines: Range<usize>, new: &str| {
            restored(Some(&before), lines, new).map(Cow::into_owned)
        };
        // The line as it is among others that change, and one beside it.
        let kept = format!("key = \"{sample}\"\nb = 3\n");
        assert_eq!(
            back(1..3, &format!("key = \"{MASK}\"\nb = 3\n")).expect(kind),
            kept
        );
        // The line itself changed: moved, renamed, in a call.
        for new in [
            "    key = \"@\"\n",
            "token = \"@\"\n",
            "key = read(\"@\");\r\n",
        ] {
            let new = new.replace('@', MASK);
            assert_eq!(back(1..2, &new).expect(kind), new.replace(MASK, &sample));
        }
        // Written once more elsewhere, as it reads there.
        assert_eq!(
            back(3..3, &format!("key = \"{MASK}\"\n")).expect(kind),
            format!("key = \"{sample}\"\n")
        );
        // Left out.
        assert_eq!(
            back(1..2, "key = env(\"KEY\")\n").expect(kind),
            "key = env(\"KEY\")\n"
        );
        // Where another stands for it, and in a new file, it is refused.
        let told = back(0..1, &format!("other = {MASK}\n")).expect_err("refused");
        assert!(told.to_string().contains("cannot be told"), "{told}");
        assert!(restored(None, 0..0, &format!("{MASK}\n")).is_err());
    }
}

#[test]
fn of_two_secrets_each_keeps_its_place_or_the_edit_is_refused() {
    let [one, two] = ["1a", "2b"].map(|end| format!("ghp_{}{end}", "aB3".repeat(12)));
    let before = format!("old = \"{one}\"\nnew = \"{two}\"\n");
    let back = |new: &str| {
        let new = new.replace('@', MASK);
        restored(Some(&before), 0..2, &new).map(Cow::into_owned)
    };
    // In another order, and changed around.
    let swapped = format!("new = \"{two}\"\nold = \"{one}\"\n");
    assert_eq!(back("new = \"@\"\nold = \"@\"\n").expect("each"), swapped);
    let typed = format!("let new = \"{two}\";\nlet old = \"{one}\";\n");
    assert_eq!(
        back("let new = \"@\";\nlet old = \"@\";\n").expect("each"),
        typed
    );
    assert!(back("third = \"@\"\n").is_err());
    assert!(back("old = \"@\", \"@\"\n").is_err());
    // Lines that read alike: as many as there were, or none.
    let before = format!("- {one}\n- {two}\n");
    let back = |new: &str| {
        let new = new.replace('@', MASK);
        restored(Some(&before), 0..2, &new).map(Cow::into_owned)
    };
    assert_eq!(
        back("- @\n# between\n- @\n").expect("both"),
        format!("- {one}\n# between\n- {two}\n")
    );
    assert!(back("- @\n").is_err());
    assert!(back("- @\n- @\n- @\n").is_err());
}

#[test]
fn a_key_comes_back_row_by_row() {
    let text = format!("a:\n{}\n", key("RSA ", &rows(5), "\n"));
    let shown = shown(&text);
    assert_eq!(
        restored(Some(&text), 0..text.lines().count(), &shown).expect("all"),
        text
    );
}

#[test]
fn a_text_that_holds_the_mask_itself_keeps_it() {
    let text = format!("pub const MASK: &str = \"{MASK}\";\nlet a = 1;\n");
    let new = format!("const MASK: &str = \"{MASK}\";\n");
    assert_eq!(restored(Some(&text), 0..1, &new).expect("itself"), new);
}

proptest! {
    /// Whatever an edit does, each secret in its result stood in the text, and no mask is written.
    #[test]
    fn no_mask_is_written(
        order in proptest::collection::vec((0_usize..6, "[a-c]{0,2}"), 0..8),
        from in 0_usize..6,
        more in 0_usize..6,
    ) {
        let keys: Vec<String> = (0..3).map(|n| format!("ghp_{}{n}", "aB3".repeat(12))).collect();
        let before: String = (0..6).map(|n| match keys.get(n / 2).filter(|_| n % 2 == 0) {
            Some(key) => format!("k{} = {key}\n", n % 4),
            None => format!("line {n}\n"),
        }).collect();
        let shown = shown(&before);
        let lines: Vec<&str> = shown.lines().collect();
        let new: String = order.iter().map(|(line, word)| format!("{word}{}\n", lines[*line])).collect();
        let end = (from + more).min(6).max(from);
        if let Ok(text) = restored(Some(&before), from..end, &new) {
            prop_assert!(!text.contains(MASK));
            for (_, secret) in found(&text) {
                prop_assert!(before.contains(secret));
            }
        }
    }
}
