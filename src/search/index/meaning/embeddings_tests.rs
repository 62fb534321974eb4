//! Vectors of a small repository, made by a model that knows some synonyms.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::index::SearchPart;
use crate::index::build::build;
use crate::repo::WalkRules;
use crate::repo::trial::git;

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

    fn commit(&self, message: &str) {
        let root = self.dir.path().join("repo");
        if !root.join(".git").exists() {
            git(&root, &["init", "-q"]);
        }
        git(&root, &["add", "."]);
        git(&root, &["commit", "-q", "-m", message]);
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

/// Three files that say the same, and of each a change that is not about the same.
fn with_a_past() -> Place {
    let place = Place::new();
    let text = |n: u32| format!("pub fn step() {{ walk({n}); }}\n");
    for name in ["alpha", "beta", "gamma"] {
        place.write(&format!("src/{name}.rs"), &text(0));
    }
    place.commit("begin");
    for (name, message) in [
        ("alpha", "no more sail before noon"),
        ("gamma", "vehicle comes later"),
        ("beta", "station is shut\n\nSigned-off-by: A car"),
    ] {
        place.write(&format!("src/{name}.rs"), &text(1));
        place.commit(message);
    }
    place
}

/// How near the changes of each file are to a query, by name.
fn told_of(index: &Index, query: &str) -> Vec<(String, f32)> {
    let table = index.table().expect("good").expect("a table");
    let meaning = index.meaning.as_ref().expect("a model");
    let alike = meaning.alike(index, table, query).expect("compared");
    let near = table.files.iter().zip(&alike.files);
    near.filter(|(_, near)| **near > 0.0)
        .map(|(file, near)| (file.path.to_string(), *near))
        .collect()
}

#[test]
fn what_was_said_of_a_change_leads_to_where_it_was_made() {
    let place = with_a_past();
    let model = Synonyms::new();
    let index = place.complete(&model).expect("complete");
    let mut moved = 0;
    for (query, path) in [
        ("step of the engine", "src/gamma.rs"),
        ("step on a ship", "src/alpha.rs"),
        ("step on the rail", "src/beta.rs"),
    ] {
        let told = told_of(&index, query);
        assert!(
            matches!(&told[..], [(only, near)] if only == path && *near > 0.5),
            "{query}: {told:?}"
        );
        // How likely it is beside the best of all, with and without.
        let likely = |hits: Vec<crate::index::Hit>| {
            let hit = hits.iter().find(|hit| hit.path.as_str() == path);
            hit.map_or(0.0, |hit| hit.score)
        };
        let with = likely(index.search(query, 5).expect("a search"));
        let without = index.search_without(query, 5, SearchPart::Past);
        let without = likely(without.expect("a search"));
        assert!(with >= without, "{query}: {with} {without}");
        moved += usize::from(with > without);
    }
    // One may be the best in any case.
    assert!(moved >= 2, "{moved}");
    assert_eq!(told_of(&index, "step into the oven"), []);
    // Six pieces, four messages; a new commit costs its message and what it changed.
    let (_, coverage) = index.coverage().expect("told").expect("a model");
    assert_eq!((coverage.done, coverage.total), (10, 10));
    let before = model.asked.load(Ordering::SeqCst);
    place.write("src/alpha.rs", "pub fn step() { rest(); }\n");
    place.commit("oven cools down");
    let index = place.complete(&model).expect("complete");
    assert_eq!(model.asked.load(Ordering::SeqCst), before + 2);
    let told = told_of(&index, "step to bake");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].0, "src/alpha.rs");
}

#[test]
fn messages_read_before_a_cancel_are_kept() {
    let place = Place::new();
    for n in 0..BATCH + 8 {
        place.write("src/garage.rs", &format!("pub fn begin_{n}() {{}}\n"));
        place.commit(&format!("car {n}"));
    }
    let stopped = place.complete(&Synonyms::of("synonyms", BATCH));
    assert!(stopped.is_err_and(|failure| failure.is_interrupted()));
    let model = Synonyms::new();
    let index = place.complete(&model).expect("complete");
    // The rest of the messages, and three pieces.
    assert_eq!(model.asked.load(Ordering::SeqCst), 8 + 3);
    let (_, coverage) = index.coverage().expect("told").expect("a model");
    assert_eq!(coverage.done, coverage.total);
}

#[test]
fn a_damaged_past_is_as_if_it_were_not_there() {
    let place = with_a_past();
    place.complete(&Synonyms::new()).expect("complete");
    let embed = Synonyms::new();
    for name in ["past.bin", "touched.json"] {
        let file = place.folder().join(name);
        let good = fs::read(&file).expect("there");
        let mut trials: Vec<Vec<u8>> = (0..good.len()).map(|cut| good[..cut].to_vec()).collect();
        trials.extend((0..good.len()).map(|at| {
            let mut bent = good.clone();
            bent[at] ^= 0x15;
            bent
        }));
        for bytes in trials {
            fs::write(&file, &bytes).expect("written");
            let meaning = Meaning::open(&place.folder(), Arc::<Synonyms>::clone(&embed));
            let index = place.index().with_meaning(Arc::new(meaning));
            index.search("step of the engine", 3).expect("a search");
        }
        // What is lost, or was not there in an older version, is made anew, and so is what
        // names commits that there never were.
        fs::remove_file(&file).expect("removed");
        let made = |what: &str| {
            let index = place.complete(&Synonyms::new()).expect("complete");
            assert_eq!(told_of(&index, "step of the engine").len(), 1, "{what}");
            let (_, coverage) = index.coverage().expect("told").expect("a model");
            assert_eq!((coverage.done, coverage.total), (10, 10), "{what}");
        };
        made("lost");
        fs::write(&file, r#"{"paths":[],"commits":[["ab",[7]]]}"#).expect("written");
        made("other commits");
        fs::write(&file, &good).expect("written");
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
