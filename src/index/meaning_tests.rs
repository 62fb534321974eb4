//! Vectors of a small repository, made by a model that knows some synonyms.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::build::build;
use super::*;
use crate::repo::WalkRules;

/// Each word group is a direction.
#[derive(Debug)]
struct Synonyms {
    name: &'static str,
    asked: AtomicUsize,
    most: usize,
}

const GROUPS: [&[&str]; 4] = [
    &["car", "vehicle", "engine"],
    &["boat", "ship", "sail"],
    &["bread", "bake", "oven"],
    &["train", "rail", "station"],
];

impl Synonyms {
    fn new() -> Arc<Self> {
        Self::of("synonyms", usize::MAX)
    }

    fn of(name: &'static str, most: usize) -> Arc<Self> {
        Arc::new(Self {
            name,
            asked: AtomicUsize::new(0),
            most,
        })
    }
}

impl Embed for Synonyms {
    fn name(&self) -> &str {
        self.name
    }

    fn width(&self) -> usize {
        GROUPS.len() + 1
    }

    fn embed(&self, texts: &[String], _: &Cancel) -> Result<Vec<Vec<f32>>> {
        let asked = self.asked.fetch_add(texts.len(), Ordering::SeqCst);
        if asked + texts.len() > self.most {
            return Err(crate::base::Failure::interrupted());
        }
        Ok(texts
            .iter()
            .map(|text| {
                let mut vector = vec![0.0; GROUPS.len() + 1];
                vector[GROUPS.len()] = 0.1;
                for (slot, group) in vector.iter_mut().zip(GROUPS) {
                    *slot += group.iter().filter(|word| text.contains(*word)).count() as f32;
                }
                let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
                vector.iter().map(|x| x / length).collect()
            })
            .collect())
    }
}

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().expect("a folder"),
        };
        fs::create_dir_all(place.dir.path().join("repo/src")).expect("made");
        place.write(
            "src/garage.rs",
            "/// Starts a car.\npub fn begin_motion() {}\n",
        );
        place.write(
            "src/harbour.rs",
            "/// Leaves by boat.\npub fn cast_off() {}\n",
        );
        place.write(
            "src/kitchen.rs",
            "/// Makes bread.\npub fn make_dough() {}\n",
        );
        place
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join("repo").join(name), text).expect("written");
    }

    fn repo(&self) -> Repo {
        Repo::open(&self.dir.path().join("repo")).expect("a repository")
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("index")
    }

    fn index(&self) -> Arc<Index> {
        let rules = WalkRules::default();
        build(
            &self.repo(),
            &self.folder(),
            &rules,
            false,
            &Cancel::never(),
            &mut |_| {},
        )
        .expect("an index")
    }

    fn complete(&self, embed: &Arc<Synonyms>) -> Result<Arc<Index>> {
        let index = self.index();
        let embed: Arc<dyn Embed> = Arc::<Synonyms>::clone(embed);
        let meaning = Meaning::open(&self.folder(), embed).complete(
            &index,
            &self.repo(),
            &self.folder(),
            &Cancel::never(),
            &mut |_| {},
        )?;
        Ok(index.with_meaning(Arc::new(meaning)))
    }
}

fn first(index: &Index, query: &str) -> Option<String> {
    let hits = index.search(query, 3).expect("a search");
    hits.first().map(|hit| hit.path.to_string())
}

#[test]
fn what_no_word_finds_meaning_does() {
    let place = Place::new();
    assert_eq!(first(&place.index(), "vehicle"), None);
    let index = place.complete(&Synonyms::new()).expect("complete");
    assert_eq!(first(&index, "vehicle").as_deref(), Some("src/garage.rs"));
    assert_eq!(first(&index, "a ship").as_deref(), Some("src/harbour.rs"));
    let (name, coverage) = index.coverage().expect("told").expect("a model");
    assert_eq!(
        (name.as_str(), coverage),
        ("synonyms", Coverage { done: 3, total: 3 })
    );
}

#[test]
fn only_what_is_new_is_read_again() {
    let place = Place::new();
    let model = Synonyms::new();
    place.complete(&model).expect("complete");
    assert_eq!(model.asked.load(Ordering::SeqCst), 3);
    place.write(
        "src/station.rs",
        "/// Waits for a train.\npub fn wait() {}\n",
    );
    place.write(
        "src/garage.rs",
        "/// Starts a sail.\npub fn begin_motion() {}\n",
    );
    // A copy says nothing new.
    place.write(
        "src/bakery.rs",
        "/// Makes bread.\npub fn make_dough() {}\n",
    );
    let index = place.complete(&model).expect("complete");
    assert_eq!(model.asked.load(Ordering::SeqCst), 5);
    assert_eq!(first(&index, "rail").as_deref(), Some("src/station.rs"));
    assert_eq!(first(&index, "vehicle"), None);
    // What is there is opened again, by the same model only.
    let opened = |name| Meaning::open(&place.folder(), Synonyms::of(name, 0));
    assert!(!opened("synonyms").is_empty());
    assert!(opened("another").is_empty());
}

#[test]
fn of_a_file_that_changed_only_what_reads_otherwise_is_read_again() {
    let place = Place::new();
    let fleet = |last: &str| {
        let of = |what: &str| format!("/// Boards a {what}.\npub fn board_{what}() {{}}\n\n");
        ["boat", "car", "train", last].map(of).concat()
    };
    place.write("src/fleet.rs", &fleet("bread"));
    let model = Synonyms::new();
    place.complete(&model).expect("complete");
    let before = model.asked.load(Ordering::SeqCst);
    // Moved down by what is new in it.
    let text = format!("// Before all.\n\n{}", fleet("sail"));
    place.write("src/fleet.rs", &text);
    let index = place.complete(&model).expect("complete");
    let asked = model.asked.load(Ordering::SeqCst) - before;
    assert!((1..=2).contains(&asked), "{asked}");
    let (_, coverage) = index.coverage().expect("told").expect("a model");
    assert_eq!(coverage.done, coverage.total);
    let hits = index.search("a station", 1).expect("a search");
    assert_eq!(hits[0].path.as_str(), "src/fleet.rs");
    assert!(hits[0].core.contains(10), "{}", hits[0].core);
}

#[test]
fn what_was_done_before_a_cancel_is_kept() {
    let place = Place::new();
    for n in 0..3 * BATCH {
        place.write(
            &format!("src/boat_{n}.rs"),
            &format!("/// Boat {n}.\npub fn sail_{n}() {{}}\n"),
        );
    }
    let stopped = place.complete(&Synonyms::of("synonyms", 2 * BATCH));
    assert!(stopped.is_err_and(|failure| failure.is_interrupted()));
    let model = Synonyms::new();
    let index = place.complete(&model).expect("complete");
    let asked = model.asked.load(Ordering::SeqCst);
    assert!(asked > 0 && asked <= 3 + BATCH, "{asked}");
    let (_, coverage) = index.coverage().expect("told").expect("a model");
    assert_eq!(coverage.done, coverage.total);
}

#[test]
fn damaged_files_are_as_if_they_were_not_there() {
    let place = Place::new();
    place.complete(&Synonyms::new()).expect("complete");
    let file = place.folder().join(FILE);
    let good = fs::read(&file).expect("there");
    let embed = Synonyms::new();
    for cut in 0..good.len() {
        fs::write(&file, &good[..cut]).expect("written");
        let meaning = Meaning::open(&place.folder(), Arc::<Synonyms>::clone(&embed));
        // Cut between two contents it is a smaller good one.
        assert!(meaning.vectors.places.len() < 3, "cut at {cut}");
    }
    for at in 0..good.len() {
        let mut bent = good.clone();
        bent[at] ^= 0xff;
        fs::write(&file, &bent).expect("written");
        let index = place.index().with_meaning(Arc::new(Meaning::open(
            &place.folder(),
            Arc::<Synonyms>::clone(&embed),
        )));
        index.search("car", 3).expect("a search");
    }
}

#[test]
fn pieces_are_told_in_words() {
    let path = RepoPath::new("src/walkDir.rs").expect("a path");
    let lines = ["pub fn followLinks(&self, max_depth: u32) -> bool {", "}"];
    assert_eq!(
        told(&path, None, &lines),
        "src walk dir rs . pub fn follow links self max depth u32 bool "
    );
    assert_eq!(told(&path, None, &["", "  }", "///"]), "");
    let long = "word ".repeat(1000);
    assert!(told(&path, None, &[&long]).chars().count() <= LONGEST + 8);
}
