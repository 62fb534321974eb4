//! Any GGUF repository of a hub, against a server on this machine that plays the hub's answers.

use std::fs;
use std::path::Path;

use homebody_ground::base::{Cancel, Kind};
use homebody_work::registry::repository::{chosen, models_of, pull_remote};
use homebody_work::registry::{RemoteModel, Store};
use serde_json::json;

use crate::cli::{Place, code, stderr, stdout};
use crate::pull::{Request, Server, body, good, head, sum, weights};

/// The files that the server's one repository has.
pub(crate) struct Files(pub(crate) Vec<(&'static str, Vec<u8>)>);

impl Files {
    fn listing(&self) -> Vec<serde_json::Value> {
        let file = |(path, bytes): &(&str, Vec<u8>)| {
            json!({
                "type": "file", "path": path, "size": 134, "oid": "0",
                "lfs": { "oid": sum(bytes), "size": bytes.len(), "pointerSize": 134 },
            })
        };
        let mut all: Vec<_> = self.0.iter().map(file).collect();
        all.push(json!({ "type": "directory", "path": "sub", "size": 0 }));
        all.push(json!({ "type": "file", "path": "README.md", "size": 12 }));
        all
    }

    /// A hub with this one repository, `owner/repo`; its list comes in two pages.
    pub(crate) fn serve(self) -> Server {
        Server::new(move |request, to| {
            let listing = self.listing();
            let (first, second) = listing.split_at(1);
            let json = |page: &[serde_json::Value]| serde_json::to_vec(page).expect("JSON");
            let tell = |to: &mut std::net::TcpStream, bytes: Vec<u8>, more: &[(&str, String)]| {
                let mut headers = vec![
                    ("Content-Type", "application/json".to_owned()),
                    ("Content-Length", bytes.len().to_string()),
                ];
                headers.extend_from_slice(more);
                head(to, "200 OK", &headers);
                body(to, &bytes);
            };
            match request.path.as_str() {
                "/api/models/owner/repo/tree/main?recursive=true" => {
                    let next = "</api/models/owner/repo/tree/main?cursor=2>; rel=\"next\"";
                    tell(to, json(first), &[("Link", next.to_owned())]);
                }
                "/api/models/owner/repo/tree/main?cursor=2" => tell(to, json(second), &[]),
                path => {
                    let name = path.strip_prefix("/owner/repo/resolve/main/");
                    let file = self.0.iter().find(|(file, _)| Some(*file) == name);
                    match file {
                        Some((_, bytes)) => good(request, to, bytes),
                        None => head(to, "404 Not Found", &[]),
                    }
                }
            }
        })
    }
}

fn list(server: &Server) -> Vec<RemoteModel> {
    models_of(&server.route(), "owner/repo", &Cancel::never(), &mut |_| {}).expect("a list")
}

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::new(dir.path().join("models"));
    (dir, store)
}

#[test]
fn what_a_repository_has_is_listed_over_pages() {
    let server = Files(vec![
        ("M-Q8_0.gguf", weights(9_000)),
        ("M-Q4_K_M.gguf", weights(5_000)),
        ("mmproj-F16.gguf", weights(100)),
    ])
    .serve();
    let models = list(&server);
    let seen: Vec<_> = models.iter().map(|m| (m.label(), m.bytes())).collect();
    assert_eq!(
        seen,
        [("M-Q4_K_M".to_owned(), 5_000), ("M-Q8_0".to_owned(), 9_000)]
    );
}

#[test]
fn a_file_of_any_repository_is_fetched_and_checked() {
    let bytes = weights(200_000);
    let server = Files(vec![("sub/M-Q4_K_M.gguf", bytes.clone())]).serve();
    let models = list(&server);
    let model = chosen(&models, "q4_k_m").expect("one");
    let (_dir, store) = store();
    let pulled = pull_remote(
        &server.route(),
        model,
        &store,
        &Cancel::never(),
        &mut |_| {},
    );
    let pulled = pulled.expect("pulled");
    assert_eq!(pulled.name, "m-q4_k_m");
    assert_eq!(fs::read(&pulled.path).expect("there"), bytes);
    assert_eq!(pulled.sha256, Some(sum(&bytes)));
    assert_eq!(store.installed().expect("read"), [pulled]);
}

#[test]
fn the_parts_of_a_split_model_come_one_after_the_other_and_count_together() {
    let parts = [weights(50_000), weights(70_000)];
    let files = || {
        Files(vec![
            ("big/M-00001-of-00002.gguf", parts[0].clone()),
            ("big/M-00002-of-00002.gguf", parts[1].clone()),
        ])
    };
    let (_dir, store) = store();
    // The second part comes damaged, then broken off: nothing counts, and the first is kept.
    let good_parts = files();
    let listing = good_parts.listing();
    let damaged = Server::new(move |request: &Request, to| {
        if request.path.contains("tree/main") {
            let bytes = serde_json::to_vec(&listing).expect("JSON");
            head(to, "200 OK", &[("Content-Length", bytes.len().to_string())]);
            body(to, &bytes);
        } else if request.path.contains("00001") {
            good(request, to, &good_parts.0[0].1);
        } else {
            let mut wrong = good_parts.0[1].1.clone();
            wrong[60_000] ^= 1;
            let stated = vec![
                ("X-Linked-Size", wrong.len().to_string()),
                ("X-Linked-ETag", format!("\"{}\"", sum(&good_parts.0[1].1))),
                ("Content-Length", wrong.len().to_string()),
            ];
            head(to, "200 OK", &stated);
            if request.method == "GET" {
                body(to, &wrong);
            }
        }
    });
    let models = list(&damaged);
    assert_eq!(models.len(), 1);
    let pull = |server: &Server, model: &RemoteModel| {
        pull_remote(
            &server.route(),
            model,
            &store,
            &Cancel::never(),
            &mut |_| {},
        )
    };
    let failure = pull(&damaged, &models[0]).expect_err("damaged");
    assert_eq!(failure.kind(), Kind::Environment);
    assert!(failure.to_string().contains("SHA-256"), "{failure}");

    let whole = files().serve();
    let pulled = pull(&whole, &list(&whole)[0]).expect("pulled");
    assert_eq!((pulled.name.as_str(), pulled.bytes), ("m", 120_000));
    let again: Vec<_> = whole
        .seen()
        .into_iter()
        .filter(|request| request.path.contains("00001-of"))
        .collect();
    assert!(again.is_empty(), "the first part was here: {again:?}");
    let files = pulled.files();
    assert_eq!(files.len(), 2);
    for (file, bytes) in files.iter().zip(&parts) {
        assert_eq!(&fs::read(file).expect("there"), bytes);
    }
    assert_eq!(store.installed().expect("read").len(), 1);
}

#[test]
fn what_the_hub_refuses_is_said_with_the_next_step() {
    for (status, wanted) in [
        ("401 Unauthorized", "HF_TOKEN"),
        ("403 Forbidden", "HF_TOKEN"),
        ("404 Not Found", "has no repository `owner/repo`"),
        ("429 Too Many Requests", "ask too often"),
        ("503 Service Unavailable", "is in trouble"),
    ] {
        let server = Server::new(move |_: &Request, to| head(to, status, &[]));
        let refused = models_of(&server.route(), "owner/repo", &Cancel::never(), &mut |_| {});
        let failure = refused.expect_err("refused");
        let told = format!("{failure} {}", failure.next_step().unwrap_or_default());
        assert!(told.contains(wanted), "{status}: {told}");
    }
    for answer in ["<html>login</html>", "[{\"type\":", "{}"] {
        let server = Server::new(move |_: &Request, to| {
            head(
                to,
                "200 OK",
                &[("Content-Length", answer.len().to_string())],
            );
            body(to, answer.as_bytes());
        });
        let refused = models_of(&server.route(), "owner/repo", &Cancel::never(), &mut |_| {});
        assert_eq!(
            refused.expect_err("no list").kind(),
            Kind::Environment,
            "{answer}"
        );
    }
    let none = Files(Vec::new()).serve();
    let refused = models_of(&none.route(), "owner/repo", &Cancel::never(), &mut |_| {});
    assert_eq!(refused.expect_err("no model").kind(), Kind::Usage);
}

#[test]
fn a_list_that_lies_about_sizes_is_found_out_before_anything_is_fetched() {
    let listing = json!([{
        "type": "file", "path": "M.gguf", "size": 1,
        "lfs": { "oid": "a".repeat(64), "size": u64::MAX / 4 },
    }]);
    let listing = serde_json::to_vec(&listing).expect("JSON");
    let server = Server::new(move |request: &Request, to| {
        if request.path.contains("tree/main") {
            head(
                to,
                "200 OK",
                &[("Content-Length", listing.len().to_string())],
            );
            body(to, &listing);
        } else {
            let stated = (u64::MAX / 4).to_string();
            head(
                to,
                "200 OK",
                &[
                    ("X-Linked-Size", stated),
                    ("X-Linked-ETag", "\"x\"".to_owned()),
                ],
            );
        }
    });
    let (_dir, store) = store();
    let models = list(&server);
    let pulled = pull_remote(
        &server.route(),
        &models[0],
        &store,
        &Cancel::never(),
        &mut |_| {},
    );
    let failure = pulled.expect_err("no such disk");
    assert!(
        failure.to_string().contains("not enough disk space"),
        "{failure}"
    );
}

/// The command as it ships: a list, a file, the trial of it, and a first question.
#[test]
fn a_model_of_a_repository_is_listed_fetched_tried_and_asked() {
    let tiny =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/models/qwen3-tiny.F32.gguf");
    let tiny = fs::read(tiny).expect("the fixture");
    let server = Files(vec![
        ("Tiny-Q8_0.gguf", weights(5_000)),
        ("Tiny-F32.gguf", tiny),
    ])
    .serve();
    let place = Place::committed();
    let run = |args: &[&str]| {
        place
            .command(args)
            .env("HF_ENDPOINT", format!("http://127.0.0.1:{}", server.port))
            .output()
            .expect("runs")
    };
    let output = run(&["models", "pull", "owner/repo"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let table = stdout(&output);
    assert!(
        table.contains("Tiny-F32") && table.contains("fits"),
        "{table}"
    );
    assert!(
        stderr(&output).contains("homebody models pull owner/repo:Tiny-F32"),
        "{}",
        stderr(&output)
    );

    let output = run(&["models", "pull", "owner/repo:F32"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("tried: every job can be asked of it"),
        "{}",
        stderr(&output)
    );
    let again = run(&["models", "pull", "owner/repo:F32"]);
    assert!(
        stderr(&again).contains("is here already"),
        "{}",
        stderr(&again)
    );
    let output = run(&["--model", "tiny-f32", "ask", "what does next_entry do?"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));

    // What came is no model: it is said there and then, and how to get rid of it.
    let output = run(&["models", "pull", "owner/repo:Q8_0"]);
    assert_eq!(code(&output), 2, "{}", stderr(&output));
    let output = run(&["models", "pull", "owner/repo:Q5_K_M"]);
    assert_eq!(code(&output), 2);
    assert!(
        stderr(&output).contains("there are Tiny-Q8_0"),
        "{}",
        stderr(&output)
    );
}
