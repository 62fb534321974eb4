//! The way to the network: everything that comes from the environment, as values.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{PemItem, RootCerts, parse_pem};

use super::environment;
use crate::base::{Config, Failure, Places, Result};

/// Address of the hub where nothing else is said.
const HUB: &str = "https://huggingface.co";

/// Bundles of the system's certificate authorities: where one of them is found it is
/// believed, since it also holds those that an office has added.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// The way to the network: everything that comes from the environment, as values.
#[derive(Clone, PartialEq, Eq)]
pub struct Route {
    /// Address of the hub (`HF_ENDPOINT`).
    pub endpoint: String,
    /// Token that opens gated models (`HF_TOKEN`); goes to the endpoint and to nobody else.
    pub token: Option<String>,
    /// A file of certificate authorities (`SSL_CERT_FILE`).
    pub authorities: Option<PathBuf>,
    /// Time that a connection may be silent.
    pub stall: Duration,
    /// Time to wait before the second try; the third waits twice as long.
    pub pause: Duration,
    /// Commands that call Python, program first, in the order to try.
    pub pythons: Vec<Vec<String>>,
    /// The environment that Python is given.
    pub environment: Vec<(OsString, OsString)>,
}

/// Tells whether the user lets pip have its variables of the shell (`pull.pip_environment`).
pub(super) fn pip_environment() -> bool {
    let set = Places::find().and_then(|places| {
        let mut config = Config::default();
        config.add_user_file(&places.config.join("config.toml"))?;
        Ok(config.pip_environment.value)
    });
    // A fault of the file is told by whoever reads it for its own sake.
    set.unwrap_or(false)
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Route")
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .finish_non_exhaustive()
    }
}

impl Route {
    /// The way that the environment describes. Proxies (`HTTPS_PROXY` and the like) are read
    /// where connections are made.
    pub fn from_env() -> Self {
        // A variable that is not set, not UTF-8 or blank says nothing.
        let text = |name: &str| {
            std::env::var(name)
                .ok()
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let mut pythons = vec![vec!["python3".to_owned()], vec!["python".to_owned()]];
        if cfg!(windows) {
            pythons.push(vec!["py".to_owned(), "-3".to_owned()]);
        }
        Self {
            endpoint: text("HF_ENDPOINT").unwrap_or_else(|| HUB.to_owned()),
            token: text("HF_TOKEN"),
            authorities: text("SSL_CERT_FILE").map(PathBuf::from),
            stall: Duration::from_secs(30),
            pause: Duration::from_secs(1),
            pythons,
            environment: environment::kept(
                std::env::vars_os(),
                pip_environment(),
                environment::here().as_deref(),
            ),
        }
    }

    /// The way that the environment describes, but to another hub and without a token.
    #[must_use]
    pub fn to(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            token: None,
            ..Self::from_env()
        }
    }
}

/// The certificate authorities to believe.
pub(super) fn authorities(own: Option<&Path>) -> Result<RootCerts> {
    // None for a file that cannot be read: of the system's bundles only some are there.
    let read = |file: &Path| {
        let pem = std::fs::read(file).ok()?;
        let certificates: Vec<_> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        (!certificates.is_empty()).then(|| RootCerts::Specific(Arc::new(certificates)))
    };
    if let Some(file) = own {
        return read(file).ok_or_else(|| {
            Failure::environment(format!(
                "SSL_CERT_FILE: {} holds no certificates",
                file.display()
            ))
        });
    }
    Ok(BUNDLES
        .iter()
        .find_map(|file| read(Path::new(file)))
        .unwrap_or(RootCerts::WebPki))
}
