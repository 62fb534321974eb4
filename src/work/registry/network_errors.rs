//! Trouble between us and the hub, in words a person can act on.

use std::time::Duration;

use ureq::http::{HeaderMap, Uri};

use super::address::host_of;
use super::hub::{Remote, number};
use crate::base::Failure;

/// A request that went wrong, and whether it may go right next time.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) failure: Failure,
    pub(super) next: Next,
}

/// The way to go on after trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Give up: another try would not do better.
    GiveUp,
    /// No second try, unless the host was reached before: nobody is there.
    Unreachable,
    /// Try again, after the time that the host asks for, if it does.
    Again(Option<Duration>),
    /// Start over: the host has no use for the part that is here.
    StartOver,
}

impl Trouble {
    pub(super) fn final_(failure: Failure) -> Self {
        Self {
            failure,
            next: Next::GiveUp,
        }
    }

    pub(super) fn again(failure: Failure) -> Self {
        Self {
            failure,
            next: Next::Again(None),
        }
    }
}

/// The trouble of an answer that is a refusal.
pub(super) fn refused(remote: &Remote, url: &Uri, status: u16, headers: &HeaderMap) -> Trouble {
    let host = host_of(url);
    let later = "try again later; what is here already is kept";
    let (what, hint, next) = match status {
        401 | 403 => (
            format!("{host} does not let us have `{}` ({status})", remote.repo),
            if remote.token.is_some() {
                "the token in HF_TOKEN does not open it: accept its terms on the hub first"
            } else {
                "it may need an account: set HF_TOKEN, or choose another model"
            },
            Next::GiveUp,
        ),
        404 | 410 if remote.file.is_empty() => (
            format!("{host} has no repository `{}` ({status})", remote.repo),
            "look how its name is written on the hub",
            Next::GiveUp,
        ),
        404 | 410 => (
            format!(
                "{host} has no `{}` in `{}` ({status})",
                remote.file, remote.repo
            ),
            "it may have been renamed: `homebody models list` shows the others",
            Next::GiveUp,
        ),
        416 => (
            format!("{host} does not go on where we stopped (416)"),
            later,
            Next::StartOver,
        ),
        429 => {
            let after = number(headers, "retry-after").map(Duration::from_secs);
            (
                format!("{host} says that we ask too often (429)"),
                later,
                Next::Again(after),
            )
        }
        500..=599 => (
            format!("{host} is in trouble ({status})"),
            later,
            Next::Again(number(headers, "retry-after").map(Duration::from_secs)),
        ),
        _ => (
            format!("{host} answered with status {status}"),
            "try again later, or another mirror with HF_ENDPOINT",
            Next::GiveUp,
        ),
    };
    Trouble {
        failure: Failure::environment(what).hint(hint),
        next,
    }
}

/// The trouble of a request that had no answer.
pub(super) fn unreached(url: &Uri, error: &ureq::Error) -> Trouble {
    use ureq::{Error, Timeout};
    let host = host_of(url);
    let offline = "check the network, set HTTPS_PROXY if there is a proxy, or fetch the file \
                   elsewhere and `homebody models add FILE.gguf`";
    let (what, hint, next) = match error {
        Error::Timeout(Timeout::RecvResponse | Timeout::PerRead | Timeout::SendRequest) => (
            format!("{host} does not answer"),
            "try again later",
            Next::Again(None),
        ),
        Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => (
            format!("{host} cannot be trusted"),
            "behind a proxy that reads along, set SSL_CERT_FILE to its certificate authority",
            Next::GiveUp,
        ),
        Error::Rustls(_) | Error::Tls(_) | Error::Pem(_) => (
            format!("{host} cannot be trusted"),
            "behind a proxy that reads along, set SSL_CERT_FILE to its certificate authority",
            Next::GiveUp,
        ),
        Error::Io(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::ConnectionReset
                    | std::io::ErrorKind::ConnectionAborted
                    | std::io::ErrorKind::UnexpectedEof
                    | std::io::ErrorKind::BrokenPipe
            ) =>
        {
            (
                format!("{host} broke the connection off"),
                "try again later",
                Next::Again(None),
            )
        }
        Error::Protocol(_) | Error::LargeResponseHeader(..) => (
            format!("{host} does not speak HTTP as it should"),
            "try again later, or another mirror with HF_ENDPOINT",
            Next::Again(None),
        ),
        _ => (
            format!("{host} cannot be reached"),
            offline,
            Next::Unreachable,
        ),
    };
    Trouble {
        failure: Failure::environment(what).because(error).hint(hint),
        next,
    }
}
