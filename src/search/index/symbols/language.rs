//! The languages whose definitions are known, and the files that are of each.

use std::sync::OnceLock;

use crate::base::RepoPath;
use std::collections::HashMap;

/// A language homebody can parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// JavaScript and JSX.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Go.
    Go,
    /// C.
    C,
    /// C++.
    Cpp,
    /// Java.
    Java,
    /// C#.
    CSharp,
    /// Ruby.
    Ruby,
    /// PHP.
    Php,
    /// Bash and sh.
    Bash,
    /// Kotlin.
    Kotlin,
    /// Swift.
    Swift,
    /// Scala.
    Scala,
    /// Dart.
    Dart,
    /// Lua.
    Lua,
    /// Elixir.
    Elixir,
    /// Haskell.
    Haskell,
    /// Zig.
    Zig,
    /// SQL.
    Sql,
    /// Terraform and other files of HCL.
    Hcl,
    /// Makefiles.
    Make,
    /// Dockerfiles.
    Dockerfile,
    /// CSS.
    Css,
}

/// A language with the files that are of it.
struct Row {
    language: Language,
    /// Usual name of the language.
    name: &'static str,
    /// Extensions of its files, in lower case.
    extensions: &'static [&'static str],
    /// Names of its files that have no extension, or a misleading one.
    files: &'static [&'static str],
    /// Programs that run its files, without a version.
    interpreters: &'static [&'static str],
}

const fn row(
    language: Language,
    name: &'static str,
    extensions: &'static [&'static str],
    files: &'static [&'static str],
    interpreters: &'static [&'static str],
) -> Row {
    Row {
        language,
        name,
        extensions,
        files,
        interpreters,
    }
}

use Language as L;

/// All languages, in the order of [`Language`].
#[rustfmt::skip]
const ROWS: [Row; 26] = [
    row(L::Rust, "Rust", &["rs"], &[], &[]),
    row(L::Python, "Python", &["py", "pyi", "pyx"], &[], &["python", "pypy"]),
    row(L::JavaScript, "JavaScript", &["js", "jsx", "mjs", "cjs"], &[], &["node", "deno", "bun"]),
    row(L::TypeScript, "TypeScript", &["ts", "mts", "cts"], &[], &[]),
    row(L::Tsx, "TSX", &["tsx"], &[], &[]),
    row(L::Go, "Go", &["go"], &[], &[]),
    row(L::C, "C", &["c", "h"], &[], &[]),
    row(L::Cpp, "C++", &["cc", "cpp", "cxx", "hpp", "hh", "hxx", "cu", "cuh", "ipp", "inl"], &[], &[]),
    row(L::Java, "Java", &["java"], &[], &[]),
    row(L::CSharp, "C#", &["cs"], &[], &[]),
    row(L::Ruby, "Ruby", &["rb", "rake", "gemspec"], &["gemfile", "rakefile", "podfile", "vagrantfile"], &["ruby"]),
    row(L::Php, "PHP", &["php"], &[], &["php"]),
    row(L::Bash, "Bash", &["sh", "bash"], &[], &["sh", "bash", "dash", "zsh", "ksh"]),
    row(L::Kotlin, "Kotlin", &["kt", "kts"], &[], &["kotlin"]),
    row(L::Swift, "Swift", &["swift"], &[], &["swift"]),
    row(L::Scala, "Scala", &["scala", "sc", "sbt"], &[], &["scala", "scala-cli"]),
    row(L::Dart, "Dart", &["dart"], &[], &["dart"]),
    row(L::Lua, "Lua", &["lua"], &[], &["lua", "luajit"]),
    row(L::Elixir, "Elixir", &["ex", "exs"], &[], &["elixir"]),
    row(L::Haskell, "Haskell", &["hs"], &[], &["runhaskell", "runghc"]),
    row(L::Zig, "Zig", &["zig"], &[], &[]),
    row(L::Sql, "SQL", &["sql", "ddl", "pgsql"], &[], &[]),
    row(L::Hcl, "HCL", &["tf", "hcl", "tfvars", "tofu"], &[], &[]),
    row(L::Make, "Make", &["mk", "mak"], &["makefile", "gnumakefile"], &["make"]),
    row(L::Dockerfile, "Dockerfile", &["dockerfile", "containerfile"], &["dockerfile", "containerfile"], &[]),
    row(L::Css, "CSS", &["css"], &[], &[]),
];

impl Language {
    /// All languages.
    #[cfg(test)]
    pub(super) fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.language)
    }

    /// Tells the language of a file by its name, else by the interpreter its first line names.
    pub fn of(path: &RepoPath, first_line: &str) -> Option<Self> {
        let known = || path.extension().and_then(|end| Self::of_extension(&end));
        Self::of_file(path)
            .or_else(known)
            .or_else(|| Self::of_interpreter(first_line))
    }

    /// Tells the language of files with an extension, which is in lower case.
    pub(super) fn of_extension(extension: &str) -> Option<Self> {
        static KNOWN: OnceLock<HashMap<&str, Language>> = OnceLock::new();
        let known = KNOWN.get_or_init(|| {
            let each = ROWS
                .iter()
                .flat_map(|row| row.extensions.iter().map(|end| (*end, row.language)));
            each.collect()
        });
        known.get(extension).copied()
    }

    /// Tells the language of a file that is known by its whole name: `Makefile`,
    /// `Dockerfile.release`.
    fn of_file(path: &RepoPath) -> Option<Self> {
        let name = path.name().to_ascii_lowercase();
        let begins = |file: &&str| {
            let rest = name.strip_prefix(*file);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let row = ROWS.iter().find(|row| row.files.iter().any(begins));
        // `Makefile.py` is a program in Python.
        let other = path.extension().and_then(|end| Self::of_extension(&end));
        row.map(|row| row.language).filter(|_| other.is_none())
    }

    /// Tells the language of a file by the interpreter its first line names.
    pub fn of_interpreter(first_line: &str) -> Option<Self> {
        let line = first_line.strip_prefix("#!")?;
        let mut words = line.split(['/', ' ', '\t']).filter(|word| !word.is_empty());
        let program = words.rfind(|word| !word.starts_with('-'))?;
        let program = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let row = ROWS.iter().find(|row| row.interpreters.contains(&program));
        row.map(|row| row.language)
    }

    /// Returns the language's usual name.
    pub fn name(self) -> &'static str {
        let row = ROWS.iter().find(|row| row.language == self);
        row.map_or("text", |row| row.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_extension_name_and_interpreter() {
        let of = |name: &str, first: &str| {
            let path = RepoPath::new(name).expect("a path");
            Language::of(&path, first)
        };
        for (name, language) in [
            ("a/b.RS", Language::Rust),
            ("Makefile", Language::Make),
            ("tools/GNUmakefile.am", Language::Make),
            ("Dockerfile.release", Language::Dockerfile),
            ("Gemfile", Language::Ruby),
            ("Dockerfile.py", Language::Python),
            ("build.gradle.kts", Language::Kotlin),
            ("lib/a.exs", Language::Elixir),
        ] {
            assert_eq!(of(name, ""), Some(language), "{name}");
        }
        assert_eq!(
            of("run", "#!/usr/bin/env -S python3.11"),
            Some(Language::Python)
        );
        assert_eq!(of("run", "#!/bin/sh -e"), Some(Language::Bash));
        assert_eq!(of("makefiles/README", ""), None);
        assert_eq!(of("a.txt", ""), None);
        for row in ROWS {
            assert_eq!(row.language.name(), row.name);
        }
    }
}
