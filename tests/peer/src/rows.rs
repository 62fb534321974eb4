//! What the table of both programs holds: models, and what is measured on each.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::homebody::Run;
use crate::machine::Bounds;
use crate::pairs::{Case, Figure, Pair, Turns};

/// A model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// The shape that `homebody debug synthesize` makes; `starter` is a real model and made by
    /// nobody.
    pub shape: &'static str,
    /// Its format, as files are called after it.
    pub format: &'static str,
    /// What `debug synthesize` calls the format.
    quantization: &'static str,
}

impl Model {
    /// What it is called in the table, and its file, less the ending.
    pub fn name(self) -> String {
        if self.format.is_empty() {
            self.shape.to_owned()
        } else {
            format!("{}.{}", self.shape, self.format)
        }
    }

    /// Its file in a folder. One that is missing is made there.
    ///
    /// # Errors
    /// When it is missing and cannot be made.
    pub fn file(self, folder: &Path, homebody: &Path) -> Result<PathBuf> {
        let file = folder.join(self.name() + ".gguf");
        if file.exists() {
            return Ok(file);
        }
        if self.quantization.is_empty() {
            return Err(format!("{} is not there", file.display()).into());
        }
        std::fs::create_dir_all(folder)?;
        eprintln!("making {}", file.display());
        let ended = Command::new(homebody)
            .args(["debug", "synthesize", "--quiet", self.shape])
            .arg(&file)
            .args(["--quantization", self.quantization])
            .status()?;
        if ended.success() {
            Ok(file)
        } else {
            Err(format!("{} cannot be made: {ended}", file.display()).into())
        }
    }
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The rate of reading, and of writing where anything is written.
    Rates(Case),
    /// The rate of writing behind a text of which only a part is read under the clock.
    Writing(Case),
    /// The memory held with a context that is full.
    Memory(Case),
    /// The time from the start of the program to the first token, the file being in memory.
    Start,
    /// The rate of writing while every core is taken by something else too.
    Taken(Case),
}

/// One row or a few that the same runs give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// On what.
    pub model: Model,
    /// What.
    pub what: What,
}

/// A line of the table.
#[derive(Debug, Clone)]
pub struct Line {
    /// The figure.
    pub figure: Figure,
    /// Digits behind the point.
    pub digits: usize,
    /// homebody's share of what the processor can do at most, and of what.
    pub share: Option<(f64, &'static str)>,
}

const fn reading(prompt: usize) -> What {
    What::Rates(Case {
        prompt,
        depth: 0,
        written: 0,
    })
}

const fn behind(depth: usize) -> What {
    What::Writing(Case {
        prompt: 512,
        depth,
        written: 64,
    })
}

/// Both rates behind a prompt that many questions have.
const USUAL: What = What::Rates(Case {
    prompt: 512,
    depth: 0,
    written: 64,
});
const MEMORY: What = What::Memory(Case {
    prompt: 512,
    depth: 4096,
    written: 1,
});
const TAKEN: What = What::Taken(Case {
    prompt: 16,
    depth: 0,
    written: 16,
});

/// All of them, the quick ones of a model first.
pub fn all() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |[shape, format, quantization]: [&'static str; 3], list: &[What]| {
        let model = Model {
            shape,
            format,
            quantization,
        };
        rows.extend(list.iter().map(|&what| Row { model, what }));
    };
    add(["starter", "", ""], &[What::Start, USUAL]);
    for shape in ["qwen35-0.8b", "qwen35-4b", "qwen35-9b"] {
        let list = [What::Start, USUAL, reading(2048), behind(8192), MEMORY];
        add([shape, "Q4_K_M", "Q4_K_M"], &list);
    }
    for (format, quantization) in [
        ("Q6_K", "Q6_K"),
        ("Q5_K", "Q5_K-pure"),
        ("Q4_1", "Q4_1-pure"),
        ("IQ4_XS", "IQ4_XS-pure"),
        ("Q8_0", "Q8_0"),
        ("Q4_0", "Q4_0-pure"),
    ] {
        add(["qwen35-0.8b", format, quantization], &[USUAL]);
    }
    for shape in ["qwen3-0.6b", "qwen3-4b"] {
        let list = [USUAL, behind(8192), behind(16384)];
        add([shape, "Q4_K_M", "Q4_K_M"], &list);
    }
    for shape in ["qwen35-0.8b", "qwen35-4b"] {
        add([shape, "Q4_K_M", "Q4_K_M"], &[TAKEN]);
    }
    rows
}

impl Row {
    /// What it is asked for by: `qwen35-0.8b.Q4_K_M/512`.
    pub fn name(self) -> String {
        let what = match self.what {
            What::Rates(case) => case.prompt.to_string(),
            What::Writing(case) => case.n_past().to_string(),
            What::Memory(_) => "memory".to_owned(),
            What::Start => "start".to_owned(),
            What::Taken(_) => "taken".to_owned(),
        };
        format!("{}/{what}", self.model.name())
    }

    /// Whether one of these is part of its name; none asks for all.
    pub fn is_asked_for(self, only: &[String]) -> bool {
        only.is_empty() || only.iter().any(|part| self.name().contains(part.as_str()))
    }

    /// Runs what it takes and gives its lines; `bounds` measures those of the machine.
    ///
    /// # Errors
    /// When either program cannot be run.
    pub fn lines(
        self,
        turns: &Turns,
        file: &Path,
        bounds: &dyn Fn() -> Result<Bounds>,
    ) -> Result<(Vec<Line>, Vec<Pair>)> {
        let model = self.model.name();
        let plain = |figure: Figure, digits: usize| Line {
            figure,
            digits,
            share: None,
        };
        Ok(match self.what {
            What::Rates(case) | What::Writing(case) => {
                // What the machine can do changes with whoever else is on it: before and behind.
                let before = bounds()?;
                let pairs = turns.take(file, case)?;
                let bounds = before.best(bounds()?);
                let mut lines = Vec::new();
                if matches!(self.what, What::Rates(_)) {
                    lines.push(prefill(&model, case, &pairs, &bounds));
                }
                if case.written > 0 {
                    lines.push(decode(&model, case, &pairs, &bounds));
                }
                (lines, pairs)
            }
            What::Memory(case) => {
                // It is the same every time.
                let once = Turns {
                    pairs: 1,
                    tries: 1,
                    ..turns.clone()
                };
                let pairs = once.take(file, case)?;
                let line = |name: &str, of: fn(&Run) -> u64| {
                    let name = format!("{name} with {} held, {model}, MB", case.n_past());
                    plain(Figure::new(name, &pairs, &|r| of(r) as f64 / 1e6), 0)
                };
                let lines = vec![
                    line("peak memory", |r| r.watched.held.peak),
                    line("of it anonymous", |r| r.watched.held.anonymous),
                    line("of it the file", |r| r.watched.held.file),
                ];
                (lines, pairs)
            }
            What::Start => {
                let case = Case {
                    prompt: 1,
                    depth: 0,
                    written: 0,
                };
                let pairs = turns.take(file, case)?;
                // Both read a token before those that they time.
                let figure =
                    Figure::new(format!("start to first token, {model}, s"), &pairs, &|r| {
                        r.wall - 1.0 / r.number("prefill_tps")
                    });
                (vec![plain(figure, 2)], pairs)
            }
            What::Taken(case) => {
                let (calm, taken) = turns.take_disturbed(file, case)?;
                let rate = |name: &str, pairs: &[Pair]| {
                    Figure::new(format!("{name}, {model}, tokens/s"), pairs, &|r| {
                        r.number("decode_tps")
                    })
                };
                let whole = rate("decode undisturbed", &calm);
                let left = rate("decode with every core taken", &taken);
                let part = left.part_of(&whole, format!("part that is left, {model}"));
                let lines = vec![plain(whole, 1), plain(left, 1), plain(part, 2)];
                (lines, calm)
            }
        })
    }
}

fn prefill(model: &str, case: Case, pairs: &[Pair], bounds: &Bounds) -> Line {
    let name = format!("prefill {}, {model}, tokens/s", case.prompt);
    let share = bounds.int8.map(|int8| {
        let gops = Figure::new("", pairs, &|r| r.number("prefill_gops"));
        (
            crate::logits::median(&gops.homebody) * 1e9 / int8.ops,
            "int8 peak",
        )
    });
    Line {
        figure: Figure::new(name, pairs, &|r| r.number("prefill_tps")),
        digits: 1,
        share,
    }
}

fn decode(model: &str, case: Case, pairs: &[Pair], bounds: &Bounds) -> Line {
    let name = format!("decode after {}, {model}, tokens/s", case.n_past());
    let moved = Figure::new("", pairs, &|r| r.number("decode_gb_s"));
    let share = crate::logits::median(&moved.homebody) * 1e9 / bounds.read;
    Line {
        figure: Figure::new(name, pairs, &|r| r.number("decode_tps")),
        digits: 1,
        share: Some((share, "bandwidth")),
    }
}

impl Line {
    /// The head of the table.
    pub const HEAD: &'static str = "| | homebody | llama.cpp | ratio | least to most | share of the bound |\n\
        |---|---:|---:|---:|---:|---:|";

    /// As a row in Markdown.
    pub fn markdown(&self) -> String {
        let digits = self.digits;
        let [ratio, least, most] = self.figure.ratio();
        let share = self.share.map_or(String::new(), |(share, of)| {
            format!("{:.0}% of {of}", share * 100.0)
        });
        format!(
            "| {} | {:.digits$} | {:.digits$} | {ratio:.2} | {least:.2} to {most:.2} | {share} |",
            self.figure.name,
            crate::logits::median(&self.figure.homebody),
            crate::logits::median(&self.figure.llama),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::homebody::measured;
    use crate::machine::Int8;

    #[test]
    fn every_row_has_a_name_of_its_own_and_can_be_asked_for() {
        let mut names: Vec<_> = all().into_iter().map(Row::name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        let asked = |only: &[&str]| -> Vec<String> {
            let only: Vec<_> = only.iter().map(|&s| s.to_owned()).collect();
            let rows = all().into_iter().filter(|row| row.is_asked_for(&only));
            rows.map(Row::name).collect()
        };
        assert_eq!(asked(&[]).len(), count);
        assert_eq!(asked(&["0.6b.Q4_K_M/8192"]), ["qwen3-0.6b.Q4_K_M/8192"]);
        assert_eq!(
            asked(&["IQ4_XS", "9b.Q4_K_M/start"]),
            ["qwen35-9b.Q4_K_M/start", "qwen35-0.8b.IQ4_XS/512"]
        );
        assert!(asked(&["no such"]).is_empty());
    }

    #[test]
    fn a_missing_model_is_made_unless_it_is_a_real_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let row = |name: &str| {
            let row = all().into_iter().find(|row| row.name() == name);
            row.expect("a row").model
        };
        let starter = row("starter/512");
        assert!(starter.file(folder.path(), Path::new("true")).is_err());
        let made = row("qwen35-0.8b.Q5_K/512");
        assert!(made.file(folder.path(), Path::new("false")).is_err());
        let file = folder.path().join("qwen35-0.8b.Q5_K.gguf");
        assert_eq!(
            made.file(folder.path(), Path::new("true")).expect("made"),
            file
        );
        std::fs::write(&file, "there").expect("written");
        assert!(made.file(folder.path(), Path::new("false")).is_ok());
    }

    #[test]
    fn shares_are_of_what_the_machine_can_do() {
        let run = |report: &str| {
            let words = ["-c".to_owned(), format!("echo '{report}'")];
            measured(Path::new("sh"), &words, &[]).expect("runs")
        };
        let pair = || {
            [
                run(
                    r#"{"prefill_tps": 50, "prefill_gops": 30, "decode_tps": 9, "decode_gb_s": 8}"#,
                ),
                run(r#"{"prefill_tps": 40, "decode_tps": 10}"#),
            ]
        };
        let pairs = [pair(), pair()];
        let bounds = Bounds {
            int8: Some(Int8 {
                ops: 1e11,
                instructions: "x",
            }),
            read: 16e9,
        };
        let case: Case = "512:64@8192".parse().expect("a case");
        assert_eq!(
            prefill("m", case, &pairs, &bounds).markdown(),
            "| prefill 512, m, tokens/s | 50.0 | 40.0 | 1.25 | 1.25 to 1.25 | 30% of int8 peak |"
        );
        assert_eq!(
            decode("m", case, &pairs, &bounds).markdown(),
            "| decode after 8192, m, tokens/s | 9.0 | 10.0 | 0.90 | 0.90 to 0.90 | 50% of bandwidth |"
        );
        let blind = Bounds {
            int8: None,
            ..bounds
        };
        assert!(prefill("m", case, &pairs, &blind).share.is_none());
    }
}
