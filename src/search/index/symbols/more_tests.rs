//! One small text a language, of those whose grammars came later, and of texts without one.

use super::super::{keys, scripts};
use super::*;

macro_rules! outlines {
    ($($name:ident $language:ident $text:literal => [$($line:literal),* $(,)?];)*) => {
        $(#[test]
        fn $name() {
            let lines: [&str; _] = [$($line),*];
            assert_eq!(outline($text, Language::$language), lines);
        })*
    };
}

outlines! {
    kotlin Kotlin "package a.b\n// About.\n@Cached\nclass Walk<T>(val x: Int) : Base() {\n    companion object {\n        const val N = 1\n    }\n    /** Next. */\n    override fun next(a: Int): Int {\n        fun inner() {}\n        return 1\n    }\n    val size: Int get() = 1\n}\ninterface I {\n    fun m()\n}\nenum class E { A, B }\nobject Single { fun f() = 1 }\ntypealias T = List<Int>\nfun String.ext(): Int = 1\nconst val LIMIT = 3\n" => [
        "Type Walk 2-14",
        "Constant Walk::N 6",
        "Method Walk::next 8-12",
        "Trait I 15-17",
        "Method I::m 16",
        "Enum E 18",
        "Type Single 19",
        "Method Single::f 19",
        "Type T 20",
        "Function ext 21",
        "Constant LIMIT 22",
    ];
    swift Swift "/// About.\n@objc public class Walk: Base {\n    let x: Int\n    init(x: Int) { self.x = x }\n    /* Next. */\n    func next() -> Int {\n        func inner() {}\n        return 1\n    }\n    var size: Int { 1 }\n}\nstruct S { static let n = 1 }\nenum E { case a }\nprotocol P { func m() }\nextension Walk { func more() {} }\nfunc free<T>(a: T) -> Int { 1 }\ntypealias T = Int\nlet limit = 3\n" => [
        "Type Walk 1-11",
        "Method Walk::init 4",
        "Method Walk::next 5-9",
        "Method Walk::size 10",
        "Type S 12",
        "Constant S::n 12",
        "Enum E 13",
        "Trait P 14",
        "Method P::m 14",
        "Impl Walk 15",
        "Method Walk::more 15",
        "Function free 16",
        "Type T 17",
        "Constant limit 18",
    ];
    scala Scala "package a.b\n// About.\nclass Walk[T](x: Int) extends Base {\n  def next(a: Int): Int = {\n    def inner = 1\n    1\n  }\n  val size = 1\n}\nobject Walk { def apply() = 1; val Most = 3 }\ntrait T { def m(): Int }\nenum E:\n  case A\ntype X = Int\ndef free(a: Int) = 1\nval limit = 3\n" => [
        "Type Walk 2-9",
        "Method Walk::next 4-7",
        "Type Walk 10",
        "Method Walk::apply 10",
        "Constant Walk::Most 10",
        "Trait T 11",
        "Method T::m 11",
        "Enum E 12-13",
        "Type X 14",
        "Function free 15",
        "Constant limit 16",
    ];
    dart Dart "/// About.\nclass Walk<T> extends Base {\n  final int x;\n  Walk(this.x);\n  Walk.named(this.x);\n  factory Walk.make() => Walk(1);\n  /// Next.\n  @override\n  List<int> next(int a) {\n    int inner() => 1;\n    return [1];\n  }\n  int get size => 1;\n}\nmixin M { void m() {} }\nenum E { a, b }\nextension Ext on String { int more() => 1; }\ntypedef F = int Function();\nint free(int a) { return 1; }\nconst limit = 3;\n" => [
        "Type Walk 1-14",
        "Method Walk::Walk 4",
        "Method Walk::Walk::named 5",
        "Method Walk::Walk::make 6",
        "Method Walk::next 7-12",
        "Method Walk::size 13",
        "Type M 15",
        "Method M::m 15",
        "Enum E 16",
        "Impl Ext 17",
        "Method Ext::more 17",
        "Type F 18",
        "Function free 19",
        "Constant limit 20",
    ];
    lua Lua "-- About.\nlocal function f(a)\n  local function inner() end\n  return 1\nend\nfunction M.h(x) end\nfunction M:k(x) end\nlocal t = function() end\nM.n = function() end\nLIMIT = 3\nt.x = 1\n" => [
        "Function f 1-5",
        "Function M::h 6",
        "Function M::k 7",
        "Function t 8",
        "Function M::n 9",
        "Constant LIMIT 10",
        "Constant t::x 11",
    ];
    elixir Elixir "defmodule Walk.Tree do\n  @moduledoc \"About\"\n  @limit 3\n\n  @doc \"Next.\"\n  def next(a) when a > 1 do\n    inner(a)\n  end\n  defp hidden(a), do: a\n  defmacro m(x) do\n    x\n  end\n  def none, do: 1\nend\ndefprotocol P do\nend\ndefimpl P, for: Walk do\nend\n" => [
        "Module Walk.Tree 1-14",
        "Function Walk.Tree::next 5-8",
        "Function Walk.Tree::hidden 9",
        "Macro Walk.Tree::m 10-12",
        "Function Walk.Tree::none 13",
        "Trait P 15-16",
        "Impl P 17-18",
    ];
    haskell Haskell "module A where\n-- | About.\ndata Walk = Walk Int\nnewtype N = N Int\ntype T = Int\nclass C a where\n  m :: a -> Int\ninstance C Int where\n  m = id\n-- | Next.\nnext :: Int -> Int\nnext 0 = 1\nnext a = inner\n  where inner = 1\nlimit = 3\n" => [
        "Type Walk 2-3",
        "Type N 4",
        "Type T 5",
        "Trait C 6-7",
        "Method C::m 7",
        "Impl C 8-9",
        "Method C::m 9",
        "Function next 10-14",
        "Function limit 15",
    ];
    zig Zig "const std = @import(\"std\");\n/// About.\npub const Walk = struct {\n    x: u8,\n    pub fn next(self: *Walk) u8 {\n        const inner = 1;\n        return inner;\n    }\n};\npub fn free(a: u8) u8 { return 1; }\nconst limit = 3;\nconst E = enum { a };\n" => [
        "Type Walk 2-9",
        "Method Walk::next 5-8",
        "Function free 10",
        "Constant limit 11",
        "Enum E 12",
    ];
    sql Sql "-- About.\nCREATE TABLE public.users (\n  id int\n);\nCREATE VIEW v AS SELECT 1;\nCREATE FUNCTION add(a int) RETURNS int AS $$ SELECT 1 $$ LANGUAGE sql;\nCREATE TYPE mood AS ENUM ('a');\nSELECT 1;\n" => [
        "Type public::users 1-4",
        "Type v 5",
        "Function add 6",
        "Type mood 7",
    ];
    hcl Hcl "# About.\nresource \"aws_instance\" \"web\" {\n  ami = \"x\"\n  lifecycle { a = 1 }\n}\nvariable \"region\" {}\nmodule \"vpc\" { source = \"x\" }\nlocals { a = 1 }\n" => [
        "Type aws_instance.web 1-5",
        "Constant region 6",
        "Module vpc 7",
        "Constant locals 8",
    ];
    make Make "# About.\nCC := gcc\n\nall clean: a b\n\techo\n.PHONY: all\ndefine BIG\nx\nendef\n" => [
        "Constant CC 1-2",
        "Function all clean 4-5",
        "Macro BIG 7-9",
    ];
    dockerfile Dockerfile "# About.\nFROM rust:1 AS build\nRUN x\nFROM debian\n" => [
        "Module build 1-2",
    ];
    css Css "/* About. */\n.button > a:hover {\n  color: red;\n}\n@media print { .c { x: y } }\n@keyframes spin { from { x: y } }\n" => [
        "Section .button > a:hover 1-4",
        "Section .c 5",
        "Section spin 6",
    ];
}

#[test]
fn yaml() {
    let text = "# About.\nname: build\non: [push]\njobs:\n  test:\n    steps:\n      - run: |\n          a: b\n          c\n  lint: {}\ntext: |\n  not: a key\n  here\n---\nkind: Pod\nlist:\n- a: 1\n- b: 2\n";
    let lines: Vec<String> = keys(text).iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "Section name 2",
            "Section on 3",
            "Section jobs 4-10",
            "Section jobs::test 5-9",
            "Section jobs::lint 10",
            "Section text 11-13",
            "Section kind 15",
            "Section list 16-18",
        ]
    );
    // None of it has to be YAML.
    for odd in [
        "",
        ":",
        "  a: 1",
        "\u{feff}a: 1\n",
        "a:\n\tb: 1\n",
        "- x\n",
        "a b c",
    ] {
        keys(odd);
    }
}

#[test]
fn scripts_of_pages() {
    let page = "<template>\n  <p>é</p>\n</template>\n<Script setup lang=\"ts\">\nfunction load(a: number) {\n  return a\n}\n</Script>\n<script>\nconst LIMIT = 3\n</script>\n<style>x</style>\n";
    let text = scripts(page).expect("scripts");
    assert_eq!(text.lines().count(), page.lines().count());
    assert_eq!(
        outline(&text, Language::TypeScript),
        ["Function load 5-7", "Constant LIMIT 10"]
    );
    assert_eq!(scripts("<p>none</p>"), None);
    assert_eq!(scripts("<script src=x></script>"), None);
    // A tag that never ends, and a script that never does.
    assert_eq!(scripts("<script"), None);
    assert!(scripts("<script>\nf()").is_some());
}

/// Pieces that the scanners of grammars look out for: ends of texts, of lines and of nesting.
const PIECES: [&str; 48] = [
    "class",
    "fun",
    "func",
    "def",
    "do",
    "end",
    "if",
    "case",
    "where",
    "module",
    "let",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "`",
    "\n",
    "\r\n",
    "  ",
    "\t",
    "=",
    ":",
    "->",
    "--",
    "//",
    "/*",
    "*/",
    "{-",
    "-}",
    "#{",
    "${",
    "<<EOF",
    "EOF",
    "~S|",
    "é",
    "\0",
    "\\",
    "@",
    "$$",
    "0x",
    "FROM a AS",
    "#\"",
];

/// Rounds for each language.
const ROUNDS: u32 = 40;

#[test]
fn no_text_harms_any_grammar() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    for language in Language::all() {
        for piece in PIECES {
            parse(&piece.repeat(2_000), language);
        }
        for _ in 0..ROUNDS {
            let mut text = String::new();
            for _ in 0..next(200) {
                text += PIECES[next(PIECES.len())];
                if next(3) > 0 {
                    text.push(' ');
                }
            }
            let lines = text.lines().count().max(1) as u32;
            for symbol in parse(&text, language) {
                assert!(symbol.range.end() <= lines + 1, "{language:?}: {text:?}");
            }
            keys(&text);
            scripts(&text);
        }
    }
}
