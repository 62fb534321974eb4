//! The form that git gives a file when it lays one into the working tree, for new ones.

use std::path::Path;

use git2::{AttrValue, Config, Repository};

use super::Repo;
use super::conversion::{attribute, encoding};
use super::git::git_failure;
use crate::base::{RepoPath, Result};

/// The form of a file of the working tree, by its attributes and the configuration
/// (gitattributes(5), "End-of-line conversion" and `working-tree-encoding`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewFileForm {
    /// True if git would end its lines by CR LF.
    pub crlf: bool,
    /// The encoding, where that is another than UTF-8.
    pub encoding: Option<String>,
}

impl Repo {
    /// The form that git would give a file of that name. Outside git there is none to follow.
    ///
    /// # Errors
    /// Of kind input, where git's data is broken.
    pub fn form_of_new(&self, path: &RepoPath) -> Result<NewFileForm> {
        if !self.is_git() {
            return Ok(NewFileForm::default());
        }
        let git = self.git()?;
        form(&git, Path::new(path.as_str()))
            .map_err(|e| git_failure(format!("git's attributes of `{path}` cannot be read"), &e))
    }
}

fn form(git: &Repository, path: &Path) -> Result<NewFileForm, git2::Error> {
    let config = git.config()?.snapshot()?;
    let (text, eol) = (attribute(git, path, "text")?, attribute(git, path, "eol")?);
    Ok(NewFileForm {
        crlf: crlf(text, eol, &config),
        encoding: encoding(git, path)?,
    })
}

/// Tells whether text is laid out with CR LF. A file for which nothing says that it is text is one
/// where `core.autocrlf` looks into all.
fn crlf(text: AttrValue<'_>, eol: AttrValue<'_>, config: &Config) -> bool {
    let automatic = config.get_string("core.autocrlf").ok();
    let automatic = automatic.map(|value| value.to_lowercase());
    let input = automatic.as_deref() == Some("input");
    let converts = !input && config.get_bool("core.autocrlf").unwrap_or(false);
    let native = || {
        let chosen = config.get_string("core.eol").ok();
        match chosen.map(|value| value.to_lowercase()).as_deref() {
            Some("crlf") => !input,
            Some("lf") => false,
            _ => cfg!(windows) && !input,
        }
    };
    match (text, eol) {
        (AttrValue::False, _) => false,
        (_, AttrValue::String("crlf")) => true,
        (_, AttrValue::String("lf")) => false,
        (AttrValue::Unspecified, _) => converts,
        _ => converts || native(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::repo::trial::git as run;

    /// What git itself lays out, for every mix of attributes and settings.
    #[test]
    fn a_new_file_ends_its_lines_as_git_would_end_them() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path();
        run(root, &["init", "-q", "-b", "main"]);
        let mut attributes = String::new();
        let mut names = Vec::new();
        for text in ["", "text", "-text", "!text", "text=auto"] {
            for eol in ["", "eol=crlf", "eol=lf", "-eol"] {
                let name = format!("f{}.txt", names.len());
                attributes.push_str(&format!("{name} {text} {eol}\n"));
                fs::write(root.join(&name), "a\nb\n").expect("written");
                names.push(name);
            }
        }
        run(root, &["add", "-A"]);
        run(root, &["commit", "-qm", "all"]);
        // By the file of attributes that is not stored, so that the commit stays as it is.
        fs::write(root.join(".git/info/attributes"), attributes).expect("written");
        for autocrlf in ["false", "true", "input"] {
            for eol in ["native", "crlf", "lf"] {
                run(root, &["config", "core.autocrlf", autocrlf]);
                // git refuses the two together.
                let refused = autocrlf == "input" && eol == "crlf";
                run(
                    root,
                    &["config", "core.eol", if refused { "lf" } else { eol }],
                );
                let repo = Repo::open(root).expect("opened");
                for name in &names {
                    fs::remove_file(root.join(name)).expect("removed");
                    run(root, &["checkout", "-q", "--", name]);
                    let laid = fs::read_to_string(root.join(name)).expect("read");
                    let path = RepoPath::new(name).expect("a path");
                    let form = repo.form_of_new(&path).expect("told");
                    assert_eq!(
                        form.crlf,
                        laid.contains("\r\n"),
                        "{name}, core.autocrlf {autocrlf}, core.eol {eol}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_encoding_of_the_working_tree_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        run(dir.path(), &["init", "-q"]);
        let rules = "*.ps1 working-tree-encoding=UTF-16LE-BOM\n*.a working-tree-encoding=utf-8\n";
        fs::write(dir.path().join(".gitattributes"), rules).expect("written");
        let repo = Repo::open(dir.path()).expect("opened");
        let form = |name| {
            let path = RepoPath::new(name).expect("a path");
            repo.form_of_new(&path).expect("told").encoding
        };
        assert_eq!(form("a/x.ps1").as_deref(), Some("UTF-16LE-BOM"));
        assert_eq!((form("x.a"), form("x")), (None, None));
    }
}
