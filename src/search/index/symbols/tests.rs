//! One small text a language.

use super::*;
use crate::index::Symbol;

#[path = "more_tests.rs"]
mod more;

fn outline(text: &str, language: Language) -> Vec<String> {
    parse(text, language).iter().map(line).collect()
}

fn line(symbol: &Symbol) -> String {
    let within = if symbol.within.is_empty() {
        String::new()
    } else {
        format!("{}::", symbol.within)
    };
    format!("{:?} {within}{} {}", symbol.kind, symbol.name, symbol.range)
}

#[test]
fn rust() {
    let text = "/// A walk.\n#[derive(Debug)]\npub struct Walk<'a> {\n    x: &'a u8,\n}\n\nimpl<'a> Walk<'a> {\n    /// Next.\n    pub fn next(&mut self) -> u8 {\n        fn inner() {}\n        1\n    }\n}\n\nmod m {\n    pub const N: u8 = 1;\n}\nmacro_rules! m { () => {} }\n";
    assert_eq!(
        outline(text, Language::Rust),
        [
            "Type Walk 1-5",
            "Impl Walk 7-13",
            "Method Walk::next 8-12",
            "Module m 15-17",
            "Constant m::N 16",
            "Macro m 18"
        ]
    );
}

#[test]
fn python() {
    let text = "# About f.\n@cached\ndef f(a):\n    def g():\n        pass\n    return a\n\nclass C:\n    # First.\n    @property\n    def m(self):\n        \"\"\"Doc.\"\"\"\n        x = 1\n        return x\n\nLIMIT = 3\n";
    assert_eq!(
        outline(text, Language::Python),
        [
            "Function f 1-6",
            "Type C 8-14",
            "Method C::m 9-14",
            "Constant LIMIT 16"
        ]
    );
    assert_eq!(parse(text, Language::Python)[2].signature, "def m(self):");
}

#[test]
fn javascript_and_typescript() {
    let text = "/** Doc. */\nexport function f() {}\nexport const g = (a) => {\n  return a\n}\nclass A {\n  m() {}\n}\nexports.run = function () {}\nconst LIMIT = 3\nA.prototype.far = function () {}\nres.send = () => {}\n";
    assert_eq!(
        outline(text, Language::JavaScript),
        [
            "Function f 1-2",
            "Function g 3-5",
            "Type A 6-8",
            "Method A::m 7",
            "Function run 9",
            "Constant LIMIT 10",
            "Function A::far 11",
            "Function res::send 12",
        ]
    );
    let text = "export interface I {\n  m(): void\n}\nexport type T = string\nenum E { A }\nnamespace N {\n  export function f(): void {}\n}\n";
    assert_eq!(
        outline(text, Language::TypeScript),
        [
            "Trait I 1-3",
            "Method I::m 2",
            "Type T 4",
            "Enum E 5",
            "Module N 6-8",
            "Function N::f 7"
        ]
    );
    assert_eq!(
        outline("const A = () => <b>x</b>\n", Language::Tsx),
        ["Function A 1"]
    );
}

#[test]
fn go() {
    let text = "package p\n\n// Walk walks.\ntype Walk struct {\n\tx int\n}\n\n// Next goes on.\nfunc (w *Walk) Next() int {\n\treturn w.x\n}\n\nfunc main() {\n\tconst inner = 1\n}\n\n// Both.\nconst (\n\t// A is one.\n\tA = 1\n\tB = 2 // not C\n\tC = 3\n)\n\n// ErrX.\nvar ErrX = 1\n";
    assert_eq!(
        outline(text, Language::Go),
        [
            "Type Walk 3-6",
            "Method Walk::Next 8-11",
            "Function main 13-15",
            "Constant A 19-20",
            "Constant B 21",
            "Constant C 22",
            "Constant ErrX 25-26",
        ]
    );
}

#[test]
fn c_and_cpp() {
    let text = "#ifndef G\n#define G\n#define N 3\n/* Adds. */\nstatic int *add(int a) {\n  return 0;\n}\ntypedef struct point { int x; } point_t;\nenum color { RED };\n#endif\n";
    let found = outline(text, Language::C);
    for wanted in [
        "Macro N 3",
        "Function add 4-7",
        "Type point_t 8",
        "Enum color 9",
    ] {
        assert!(
            found.iter().any(|line| line == wanted),
            "{wanted} in {found:?}"
        );
    }
    let text = "namespace n {\nclass A {\n public:\n  int m() { return 1; }\n};\n}\nint n::A::k() { return 2; }\ntemplate <class T>\nT id(T t) { return t; }\n";
    let found = outline(text, Language::Cpp);
    for wanted in [
        "Module n 1-6",
        "Type n::A 2-5",
        "Method n::A::m 4",
        "Function n::A::k 7",
        "Function id 8-9",
    ] {
        assert!(
            found.iter().any(|line| line == wanted),
            "{wanted} in {found:?}"
        );
    }
}

#[test]
fn java_and_csharp() {
    let text = "/** Doc. */\npublic class A {\n  @Override\n  public int m() { return 1; }\n  interface I { void k(); }\n}\n";
    assert_eq!(
        outline(text, Language::Java),
        [
            "Type A 1-6",
            "Method A::m 3-4",
            "Trait A::I 5",
            "Method A::I::k 5"
        ]
    );
    let text = "namespace N {\n  /// <summary>Doc.</summary>\n  public class A {\n    public int P { get; set; }\n    public int M() => 1;\n  }\n}\n";
    assert_eq!(
        outline(text, Language::CSharp),
        [
            "Module N 1-7",
            "Type N::A 2-6",
            "Method N::A::P 4",
            "Method N::A::M 5"
        ]
    );
}

#[test]
fn ruby_php_and_bash() {
    let text = "module M\n  class C\n    # Runs.\n    def run\n    end\n  end\nend\n";
    assert_eq!(
        outline(text, Language::Ruby),
        ["Module M 1-7", "Type M::C 2-6", "Method M::C::run 3-5"]
    );
    let text = "<?php\n/** Doc. */\nfunction f() {}\nclass C {\n  const N = 1;\n  public function m() {}\n}\n";
    assert_eq!(
        outline(text, Language::Php),
        [
            "Function f 2-3",
            "Type C 4-7",
            "Constant C::N 5",
            "Method C::m 6"
        ]
    );
    assert_eq!(
        outline("# Says hi.\nhi() {\n  echo hi\n}\n", Language::Bash),
        ["Function hi 1-4"]
    );
}

#[test]
fn markdown_sections() {
    let text = "# A\ntext\n## B\n```\n# no heading\n```\n## C\n# D\n";
    let found: Vec<String> = sections(text).iter().map(line).collect();
    assert_eq!(
        found,
        [
            "Section A 1-7",
            "Section B 3-6",
            "Section C 7",
            "Section D 8"
        ]
    );
}

#[test]
fn hostile_nesting_neither_recurses_nor_hangs() {
    for (text, language) in [
        ("(".repeat(100_000), Language::Rust),
        ("{".repeat(100_000), Language::C),
        ("[".repeat(100_000), Language::JavaScript),
        ("class A { ".repeat(3_000), Language::Java),
        ("\u{0}\u{fffd}".repeat(1000), Language::Python),
        ("mod a { ".repeat(60_000), Language::Rust),
        ("fn a() {}\n".repeat(90_000), Language::Rust),
        ("//\n".repeat(300_000) + "fn a() {}", Language::Rust),
        ("# x\n".repeat(200_000) + "def a(): pass", Language::Python),
        ("#[a]".repeat(200_000) + "fn a() {}", Language::Rust),
        ("*".repeat(400_000) + "a;", Language::C),
        (format!("int {}a;", "(".repeat(400_000)), Language::Cpp),
    ] {
        let begun = std::time::Instant::now();
        let found = parse(&text, language);
        let took = begun.elapsed();
        let start: String = text.chars().take(8).collect();
        assert!(took.as_secs() < 10, "{start:?} in {language:?}: {took:?}");
        assert!(found.iter().all(|symbol| symbol.within.len() < 4_000));
    }
}
