//! Texts of other scripts, from the right to the left too: in prompts, patches and reviews.

use super::trial::Trial;
use super::*;
use crate::engine::ScriptedEngine;

const GUIDE: &str = "# 走査の説明\n\nשלום עולם\nابدأ من الجذر\n终点是最后一个文件。\n";

fn trial() -> Trial {
    Trial::new(&[
        ("文書/説明.md", GUIDE),
        ("src/走査.py", "def 走査(根):\n    return 根\n"),
    ])
}

#[test]
fn patches_change_what_they_say_and_nothing_beside() {
    let trial = trial();
    for (path, old, new) in [
        ("文書/説明.md", "שלום עולם", "שלום לכולם"),
        ("文書/説明.md", "ابدأ من الجذر", "ابدأ من هنا"),
        ("文書/説明.md", "终点是最后一个文件。", "终点是第一个文件。"),
        ("src/走査.py", "    return 根", "    return [根]"),
    ] {
        let says = format!("*** replace {path}\n<<<<<<<\n{old}\n=======\n{new}\n>>>>>>>\n*** end");
        let mut engine = ScriptedEngine::saying(&[&says]);
        let request = Request::Patch(Patch {
            request: format!("「{old}」を直してください @{path}"),
            ..Patch::default()
        });
        let (answer, _) = trial.run(&request, &mut engine);
        let Ok(Answer::Patch {
            change, troubles, ..
        }) = answer
        else {
            panic!("{answer:?}");
        };
        assert_eq!(troubles, [] as [&str; 0]);
        let [file] = change.files.as_slice() else {
            panic!("{change:?}");
        };
        let before = file.before.as_deref().expect("a text");
        assert_eq!(file.path.as_str(), path);
        let after = file.after.as_deref();
        assert_eq!(after, Some(before.replace(old, new).as_str()));
        // The model was shown both the wish and the line as they are written.
        let shown = &engine.asked()[0]
            .messages
            .last()
            .expect("a message")
            .content;
        assert_eq!(shown.matches(old).count(), 2, "{shown}");
    }
}

#[test]
fn reviews_quote_lines_as_they_stand() {
    let trial = trial();
    let line = "    return 根  # لا تفعل";
    trial.put("src/走査.py", &format!("def 走査(根):\n{line}\n"));
    trial.git(&["add", "-A"]);
    let says = format!("src/走査.py:2: warning: bug: خطأ في السطر\n> {line}\n理由はない。\n");
    let mut engine = ScriptedEngine::saying(&[&says]);
    let Some(Request::Review(review)) = model_trial::request("review") else {
        panic!("no review");
    };
    let (answer, _) = trial.run(&Request::Review(review), &mut engine);
    let Ok(Answer::Review { findings, .. }) = answer else {
        panic!("{answer:?}");
    };
    let [found] = findings.as_slice() else {
        panic!("{findings:?}");
    };
    assert_eq!((found.path.as_str(), found.line), ("src/走査.py", 2));
    assert!(found.quote.contains("لا تفعل"), "{}", found.quote);
    assert_eq!(found.title, "خطأ في السطر");
    assert_eq!(found.reason, "理由はない。");
}
