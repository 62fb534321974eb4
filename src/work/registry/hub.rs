//! Requests to the hub: descriptions of files, and their bytes, from wherever it sends us.

use std::io::Read as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use ureq::http::{HeaderMap, Response, Uri};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body};

use super::address::{escape, host_of, is_loopback, joined, same_origin};
use super::catalog::is_sha256;
use super::checksum::PIECE;
use super::endpoints::{Route, authorities};
use super::network_errors::{Next, Trouble, refused, unreached};
use super::progress::Meter;
use super::repository::next_page;
use crate::base::bug::bug;
use crate::base::{Cancel, Failure, Result};

/// Time to find the address of a host; with [`CONNECT`] less than the 5 seconds in which a host
/// that cannot be reached is found out.
const RESOLVE: Duration = Duration::from_secs(2);
/// Time to connect to an address.
const CONNECT: Duration = Duration::from_millis(2500);

/// Time between two looks of the waiting side: for a cancel, and to report progress.
const LOOK: Duration = Duration::from_millis(50);

/// The most addresses that one request goes through.
const MAX_REDIRECTS: usize = 8;

/// The description of a file that the hub gives before it sends the bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Upload {
    pub(super) bytes: Option<u64>,
    pub(super) sha256: Option<String>,
    /// The entity tag: changes when the file does.
    pub(super) tag: Option<String>,
}

/// A message through the channel of a running download.
pub(super) enum DownloadEvent {
    /// The answer's head: the offset at which its bytes start, and how many it promises.
    Head { from: u64, promised: Option<u64> },
    /// The next bytes of the file.
    Piece(Vec<u8>),
    /// The end of the download, with the trouble that ended it, if any.
    End(Option<Trouble>),
}

/// A download that runs on its own thread; dropping it ends the connection.
pub(super) struct Download {
    pub(super) said: Receiver<DownloadEvent>,
    agent: Agent,
}

impl Drop for Download {
    fn drop(&mut self) {
        self.agent.clone().shutdown();
    }
}

impl Download {
    /// Waits for the next message. Meanwhile the meter ticks and a cancel is seen.
    pub(super) fn next(&self, cancel: &Cancel, meter: &mut Meter<'_>) -> Result<DownloadEvent> {
        wait(&self.said, cancel, meter)
    }
}

fn wait<T>(from: &Receiver<T>, cancel: &Cancel, meter: &mut Meter<'_>) -> Result<T> {
    loop {
        cancel.check()?;
        match from.recv_timeout(LOOK) {
            Ok(said) => return Ok(said),
            Err(RecvTimeoutError::Timeout) => meter.beat(),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::bug("the download ended without a word"));
            }
        }
    }
}

/// One file or listing on the hub, and the way to it.
#[derive(Clone)]
pub(super) struct Remote {
    url: Uri,
    pub(super) repo: String,
    pub(super) file: String,
    pub(super) token: Option<String>,
    route: Route,
}

impl Remote {
    /// The address of a file of a repository.
    pub(super) fn new(route: &Route, repo: &str, file: &str) -> Result<Self> {
        let path = format!("{}/resolve/main/{}", escape(repo), escape(file));
        Self::at(route, &path, repo, file)
    }

    /// The address of a description of a repository; `path` is escaped where it has to be.
    pub(super) fn api(route: &Route, repo: &str, path: &str) -> Result<Self> {
        Self::at(route, path, repo, "")
    }

    /// The address of another page of the same list, on the same server.
    pub(super) fn page(&self, url: Uri) -> Self {
        Self {
            url,
            ..self.clone()
        }
    }

    fn at(route: &Route, path: &str, repo: &str, file: &str) -> Result<Self> {
        let endpoint = route.endpoint.trim_end_matches('/');
        let text = format!("{endpoint}/{path}");
        let url = text
            .parse::<Uri>()
            .ok()
            .filter(|url| {
                matches!(url.scheme_str(), Some("https" | "http"))
                    && url.host().is_some_and(|host| !host.is_empty())
            })
            .ok_or_else(|| {
                Failure::environment(format!("`{endpoint}` is no address of a hub"))
                    .hint("HF_ENDPOINT is wanted as https://HOST, or not at all")
            })?;
        let safe = url.scheme_str() == Some("https") || url.host().is_some_and(is_loopback);
        Ok(Self {
            url,
            repo: repo.to_owned(),
            file: file.to_owned(),
            token: route.token.clone().filter(|_| safe),
            route: route.clone(),
        })
    }

    /// The host, for messages.
    pub(super) fn host(&self) -> &str {
        // `at` and `address::joined` let no address pass that has none.
        self.url
            .host()
            .unwrap_or_else(|| bug("an address of the hub has no host", "the hub"))
    }

    /// Asks the hub for the description of the file.
    pub(super) fn describe(
        &self,
        cancel: &Cancel,
        meter: &mut Meter<'_>,
    ) -> Result<std::result::Result<Upload, Trouble>> {
        let agent = self.agent(self.route.stall.min(Duration::from_secs(15)))?;
        let (tell, said) = sync_channel(1);
        let (remote, used) = (self.clone(), agent.clone());
        spawn(move || {
            let _ = tell.send(remote.head(&used));
        })?;
        let found = wait(&said, cancel, meter);
        if found.is_err() {
            agent.shutdown();
        }
        found
    }

    /// Fetches a text of at most `most` bytes; gives also where its next page is.
    pub(super) fn text(
        &self,
        most: usize,
        cancel: &Cancel,
        meter: &mut Meter<'_>,
    ) -> Result<std::result::Result<(String, Option<Uri>), Trouble>> {
        let agent = self.agent(self.route.stall)?;
        let (tell, said) = sync_channel(1);
        let (remote, used) = (self.clone(), agent.clone());
        spawn(move || {
            let _ = tell.send(remote.read_text(&used, most));
        })?;
        let found = wait(&said, cancel, meter);
        if found.is_err() {
            agent.shutdown();
        }
        found
    }

    fn read_text(
        &self,
        agent: &Agent,
        most: usize,
    ) -> std::result::Result<(String, Option<Uri>), Trouble> {
        let mut url = self.url.clone();
        for _ in 0..MAX_REDIRECTS {
            let request = self.signed(agent.get(url.clone()), &url);
            let response = request.call().map_err(|e| unreached(&url, &e))?;
            let headers = response.headers();
            match response.status().as_u16() {
                300..=399 => url = Self::onward(&url, headers)?,
                200 => {
                    self.no_page(&url, headers)?;
                    let next = text(headers, "link")
                        .and_then(|link| next_page(link, &url))
                        .filter(|next| same_origin(next, &self.url));
                    let mut bytes = Vec::new();
                    let body = response.into_body().into_reader();
                    body.take(most as u64)
                        .read_to_end(&mut bytes)
                        .map_err(|e| self.broke(&e))?;
                    return Ok((String::from_utf8_lossy(&bytes).into_owned(), next));
                }
                status => return Err(refused(self, &url, status, headers)),
            }
        }
        Err(self.lost())
    }

    /// Starts to fetch the bytes of the file from `from` on.
    pub(super) fn fetch(&self, from: u64) -> Result<Download> {
        let agent = self.agent(self.route.stall)?;
        let (tell, said) = sync_channel(4);
        let (remote, used) = (self.clone(), agent.clone());
        spawn(move || {
            let end = match remote.get(&used, from) {
                Err(trouble) => Some(trouble),
                Ok((head, body)) => {
                    if tell.send(head).is_err() {
                        return;
                    }
                    let mut reader = body.into_reader();
                    loop {
                        let mut piece = vec![0; PIECE];
                        match reader.read(&mut piece) {
                            Ok(0) => break None,
                            Ok(n) => {
                                piece.truncate(n);
                                if tell.send(DownloadEvent::Piece(piece)).is_err() {
                                    return;
                                }
                            }
                            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                            Err(e) => break Some(remote.broke(&e)),
                        }
                    }
                }
            };
            // Nobody listens after a cancel.
            let _ = tell.send(DownloadEvent::End(end));
        })?;
        Ok(Download { said, agent })
    }

    fn agent(&self, answer: Duration) -> Result<Agent> {
        let tls = TlsConfig::builder()
            .root_certs(authorities(self.route.authorities.as_deref())?)
            .build();
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // Followed by hand: each stop is looked at, and none but the first gets the token.
            .max_redirects(0)
            .user_agent(concat!("homebody/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_resolve(Some(RESOLVE))
            .timeout_connect(Some(CONNECT))
            .timeout_send_request(Some(answer))
            .timeout_recv_response(Some(answer))
            .timeout_per_read(Some(self.route.stall))
            .tls_config(tls);
        if self.url.host().is_some_and(is_loopback) {
            // A proxy could not reach what is on this machine.
            config = config.proxy(None);
        }
        Ok(Agent::new_with_config(config.build()))
    }

    fn head(&self, agent: &Agent) -> std::result::Result<Upload, Trouble> {
        let mut url = self.url.clone();
        let mut upload = Upload::default();
        for _ in 0..MAX_REDIRECTS {
            let response = self
                .signed(agent.head(url.clone()), &url)
                .call()
                .map_err(|e| unreached(&url, &e))?;
            let headers = response.headers();
            if same_origin(&url, &self.url) {
                // What the hub itself says counts, not the storage it sends us to.
                upload.bytes = number(headers, "x-linked-size").or(upload.bytes);
                if let Some(tag) = text(headers, "x-linked-etag") {
                    let tag = unquoted(tag);
                    upload.sha256 = is_sha256(tag).then(|| tag.to_ascii_lowercase());
                    upload.tag = Some(tag.to_owned());
                }
            }
            let status = response.status().as_u16();
            if upload.bytes.is_some() && upload.tag.is_some() && status < 400 {
                return Ok(upload);
            }
            match status {
                300..=399 => url = Self::onward(&url, headers)?,
                200..=299 => {
                    self.no_page(&url, headers)?;
                    upload.bytes = upload.bytes.or_else(|| number(headers, "content-length"));
                    upload.tag = upload
                        .tag
                        .or_else(|| text(headers, "etag").map(|tag| unquoted(tag).to_owned()));
                    return Ok(upload);
                }
                // Not every server answers this question, and a signed address answers only
                // the one it was made for: the download itself will tell.
                405 | 501 => return Ok(upload),
                403 if !same_origin(&url, &self.url) => return Ok(upload),
                _ => return Err(refused(self, &url, status, headers)),
            }
        }
        Err(self.lost())
    }

    fn get(&self, agent: &Agent, from: u64) -> std::result::Result<(DownloadEvent, Body), Trouble> {
        let mut url = self.url.clone();
        for _ in 0..MAX_REDIRECTS {
            let mut request = self.signed(agent.get(url.clone()), &url);
            if from > 0 {
                request = request.header("Range", format!("bytes={from}-"));
            }
            let response = request.call().map_err(|e| unreached(&url, &e))?;
            let headers = response.headers();
            let status = response.status().as_u16();
            match status {
                300..=399 => url = Self::onward(&url, headers)?,
                200 | 206 => {
                    self.no_page(&url, headers)?;
                    let head = self.start(&response, from)?;
                    return Ok((head, response.into_body()));
                }
                _ => return Err(refused(self, &url, status, headers)),
            }
        }
        Err(self.lost())
    }

    /// Reads where the bytes of an answer start and how many it promises.
    fn start(
        &self,
        response: &Response<Body>,
        from: u64,
    ) -> std::result::Result<DownloadEvent, Trouble> {
        let headers = response.headers();
        let promised = number(headers, "content-length");
        if response.status().as_u16() == 200 {
            // The server knows no ranges: everything comes from the beginning.
            return Ok(DownloadEvent::Head { from: 0, promised });
        }
        let begins = text(headers, "content-range")
            .and_then(|range| range.trim().strip_prefix("bytes "))
            .and_then(|range| range.split_once('-'))
            .and_then(|(start, _)| start.trim().parse::<u64>().ok());
        if begins == Some(from) {
            return Ok(DownloadEvent::Head { from, promised });
        }
        Err(Trouble {
            failure: Failure::environment(format!(
                "{} sent another part of `{}` than was asked for",
                self.host(),
                self.file
            ))
            .hint("try again later, or another mirror with HF_ENDPOINT"),
            next: Next::StartOver,
        })
    }

    fn signed<T>(&self, request: ureq::RequestBuilder<T>, url: &Uri) -> ureq::RequestBuilder<T> {
        match &self.token {
            Some(token) if same_origin(url, &self.url) => {
                request.header("Authorization", format!("Bearer {token}"))
            }
            _ => request,
        }
    }

    fn onward(url: &Uri, headers: &HeaderMap) -> std::result::Result<Uri, Trouble> {
        let to = text(headers, "location");
        let next = to.and_then(|to| joined(url, to)).ok_or_else(|| {
            Trouble::final_(
                Failure::environment(format!("{} sends us to nowhere", host_of(url)))
                    .hint("try again later, or another mirror with HF_ENDPOINT"),
            )
        })?;
        if url.scheme_str() == Some("https") && next.scheme_str() != Some("https") {
            return Err(Trouble::final_(Failure::environment(format!(
                "{} sends us on without encryption, to {}",
                host_of(url),
                host_of(&next)
            ))));
        }
        Ok(next)
    }

    fn lost(&self) -> Trouble {
        Trouble::final_(
            Failure::environment(format!("{} sends us round in circles", self.host()))
                .hint("try again later, or another mirror with HF_ENDPOINT"),
        )
    }

    /// Refuses a web page where a model should be: a proxy's login, a captive portal.
    fn no_page(&self, url: &Uri, headers: &HeaderMap) -> std::result::Result<(), Trouble> {
        let page = text(headers, "content-type")
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"));
        if page {
            return Err(Trouble::final_(
                Failure::environment(format!(
                    "{} sent a web page where `{}` should be",
                    host_of(url),
                    self.file
                ))
                .hint("perhaps this network asks for a login first, or HF_ENDPOINT is not a hub"),
            ));
        }
        Ok(())
    }

    fn broke(&self, error: &std::io::Error) -> Trouble {
        Trouble::again(
            Failure::environment(format!("the download from {} broke off", self.host()))
                .because(error),
        )
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name("download".to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|e| Failure::environment("cannot start a thread").because(e))
}

/// The text of a header; none where the server sends none, or one that is no ASCII.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The number in a header; none where the server sends none that can be read.
pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.trim().parse().ok()
}

fn unquoted(tag: &str) -> &str {
    tag.trim().trim_start_matches("W/").trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_made_of_names() {
        let remote = Remote::new(&Route::to("https://h/p/"), "a/b", "c d#.gguf").expect("made");
        assert_eq!(
            remote.url.to_string(),
            "https://h/p/a/b/resolve/main/c%20d%23.gguf"
        );
        assert!(Remote::new(&Route::to("ftp://h"), "a/b", "c").is_err());
        assert!(Remote::new(&Route::to("nonsense"), "a/b", "c").is_err());
    }

    #[test]
    fn a_token_does_not_travel_in_the_clear() {
        let mut route = Route::to("http://far.example");
        route.token = Some("secret".to_owned());
        let token = |route: &Route| Remote::new(route, "a/b", "c").expect("made").token;
        assert_eq!(token(&route), None);
        route.endpoint = "http://127.0.0.1:8080".to_owned();
        assert_eq!(token(&route).as_deref(), Some("secret"));
        assert!(!format!("{route:?}").contains("secret"));
    }
}
