//! Each form in which people name what they look for.

use crate::index::trial::indexed;
use crate::index::{Hit, Index, Symbol};

const APP: &str = "class Flask:\n    \"\"\"The application.\"\"\"\n\n    def run(self):\n        serve(self)\n\n\nclass FlaskGroup:\n    def run(self):\n        pass\n\n    def get_user_name(self):\n        pass\n";

fn index() -> std::sync::Arc<Index> {
    // Files that only mention a name say it more often than the one that defines it.
    let mentions =
        "from app import Flask\n\nFlask()\nFlask(Flask)\n# Flask runs Flask\nrun(get_user_name)\n";
    let walk = "/// Goes through a tree.\npub struct Walk;\n\nimpl Walk {\n    pub fn next(&self) {\n        panic!(\"the folder of the walk is gone\")\n    }\n}\n";
    indexed(&[
        ("src/app.py", APP),
        ("src/uses.py", mentions),
        ("src/more.py", mentions),
        (
            "tests/test_app.py",
            "class Flask:\n    pass\n\n\ndef test_run():\n    Flask()\n",
        ),
        ("src/walk.rs", walk),
        ("src/walk/deep.rs", "pub fn next() {}\npub fn open() {}\n"),
        ("src/far.rs", "pub fn open() {}\n"),
        (
            "src/main.rs",
            "use walk::deep;\nfn main() {\n    deep::open();\n    let seen_inodes = 1;\n    drop(seen_inodes);\n}\n",
        ),
        ("docs/flask.md", "# Flask\n\nFlask is Flask.\n"),
    ])
}

fn first(query: &str) -> Hit {
    let hits = index().search(query, 10).expect("hits");
    hits.into_iter().next().expect("a hit")
}

#[track_caller]
fn finds(query: &str, path: &str, name: &str) {
    let hit = first(query);
    let found = hit.symbol.as_ref().map(Symbol::full_name);
    assert_eq!(
        (hit.path.as_str(), found.as_deref()),
        (path, Some(name)),
        "{query}"
    );
    assert_eq!(hit.why, "name", "{query}");
}

#[test]
fn a_definition_is_found_by_its_name_in_any_form() {
    for query in [
        "Flask",
        "flask",
        "class Flask",
        "Flask class",
        "what does the class Flask do?",
        "how does `Flask` work",
        "where is Flask defined?",
    ] {
        finds(query, "src/app.py", "Flask");
    }
    for query in [
        "get_user_name",
        "getUserName",
        "GET_USER_NAME",
        "get user name",
        "what does get user name do?",
        "FlaskGroup.get_user_name",
        "FlaskGroup::get_user_name()",
        "get_user_name of FlaskGroup",
    ] {
        finds(query, "src/app.py", "FlaskGroup::get_user_name");
    }
    finds("crate::walk::Walk", "src/walk.rs", "Walk");
    finds("Walk::next", "src/walk.rs", "Walk::next");
    finds("fn next of deep", "src/walk/deep.rs", "next");
    // A question with more in it: among the first three.
    let hits = index().search("why does Walk::next fail in the night?", 3);
    let hits = hits.expect("hits");
    assert!(hits.iter().any(|hit| hit.range.contains(5)), "{hits:?}");
}

#[test]
fn those_of_one_name_are_counted_and_the_more_used_comes_first() {
    finds("open", "src/walk/deep.rs", "open");
    let hits = index().search("open", 10).expect("hits");
    let of_name: Vec<&Hit> = hits.iter().filter(|hit| hit.namesakes == 2).collect();
    assert_eq!(of_name.len(), 2);
    assert_eq!(of_name[1].path.as_str(), "src/far.rs");
    // Code comes before tests, unless they are asked about.
    assert_eq!(first("Flask").namesakes, 2);
    finds("the class Flask of the tests", "tests/test_app.py", "Flask");
}

#[test]
fn texts_files_and_what_no_definition_has_are_found_where_they_stand() {
    for query in [
        "the folder of the walk is gone",
        "\"the folder of the walk is gone\"",
        "where does the error folder of the walk is gone come from?",
    ] {
        let hit = first(query);
        assert_eq!(hit.path.as_str(), "src/walk.rs", "{query}");
        assert!(hit.range.contains(6), "{query}: {hit:?}");
    }
    assert_eq!(first("deep.rs").path.as_str(), "src/walk/deep.rs");
    assert_eq!(first("src/walk.rs").path.as_str(), "src/walk.rs");
    assert_eq!(first("seen_inodes").path.as_str(), "src/main.rs");
    assert_eq!(
        first("where is seen_inodes set?").path.as_str(),
        "src/main.rs"
    );
}

#[test]
fn of_a_name_that_is_everywhere_the_one_in_its_holder_is_found() {
    let mut text = String::new();
    for n in 0..200 {
        let part = "pub struct Part;\nimpl Part {\n    pub fn new() {}\n}\n";
        text += &part.replace("Part", &format!("Part{n}"));
    }
    let index = indexed(&[("src/parts.rs", &text)]);
    for query in [
        "Part187::new",
        "new of Part187",
        "what does Part187.new do?",
    ] {
        let hits = index.search(query, 3).expect("hits");
        let names = hits.iter().filter_map(|hit| hit.symbol.as_ref());
        let names: Vec<String> = names.map(Symbol::full_name).collect();
        assert_eq!(names[0], "Part187::new", "{query}: {names:?}");
        assert_eq!(hits[0].namesakes, 200);
    }
}

#[test]
fn who_uses_a_name_is_found_behind_its_definition() {
    // The words of the name are everywhere; all of it stands in one place besides.
    let noise = "def calls_get_user():\n    return user.name\n\n\ndef user_name():\n    return get(user, name)\n";
    let filler = "def far():\n    return 1\n\n\n".repeat(20);
    let caller = format!("{filler}def greet():\n    return get_user_name()\n\n\n{filler}");
    let index = indexed(&[
        ("src/app.py", APP),
        ("src/greet.py", &caller),
        ("src/user_name.py", noise),
        ("src/get_user.py", noise),
        ("src/calls.py", noise),
        ("src/name.py", noise),
    ]);
    let hits = index.search("who calls get_user_name?", 10).expect("hits");
    let paths: Vec<&str> = hits.iter().map(|hit| hit.path.as_str()).collect();
    assert_eq!(paths[..2], ["src/app.py", "src/greet.py"]);
}

#[test]
fn a_name_that_is_a_word_for_uses_is_a_name() {
    let text = "class User:\n    pass\n";
    let files: Vec<String> = (0..4).map(|n| format!("src/m{n}.py")).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|file| (file.as_str(), text)).collect();
    for query in ["class User", "what does User do?"] {
        let hits = indexed(&files).search(query, 4).expect("hits");
        assert!(
            hits.iter().all(|hit| hit.namesakes == 4),
            "{query}: {hits:?}"
        );
    }
}

#[test]
fn words_that_name_nothing_change_nothing() {
    use crate::index::SearchPart;
    let index = index();
    for query in [
        "walks that run over many groups",
        "what is it?",
        "serve the application",
    ] {
        let with = index.search(query, 10).expect("hits");
        let without = index.search_without(query, 10, SearchPart::Named);
        assert_eq!(with, without.expect("hits"), "{query}");
    }
}
