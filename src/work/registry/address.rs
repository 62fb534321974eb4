//! Addresses on the network: telling servers apart, following redirects.

use ureq::http::Uri;

/// The host of an address, for messages; an address that somebody sends us need not have one.
pub(super) fn host_of(url: &Uri) -> &str {
    url.host().unwrap_or("the server")
}

/// Tells whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Tells whether two addresses are of the same server: scheme, host and port.
pub(super) fn same_origin(a: &Uri, b: &Uri) -> bool {
    let port = |url: &Uri| {
        url.port_u16()
            .unwrap_or(if url.scheme_str() == Some("https") {
                443
            } else {
                80
            })
    };
    let host = |url: &Uri| url.host().map(str::to_ascii_lowercase);
    a.scheme_str() == b.scheme_str() && host(a) == host(b) && port(a) == port(b)
}

/// The address that a redirect from `base` leads to; none where `to` is no address.
pub(super) fn joined(base: &Uri, to: &str) -> Option<Uri> {
    let to = to.trim();
    let whole = if to.starts_with("https://") || to.starts_with("http://") {
        to.to_owned()
    } else if to.is_empty() {
        return None;
    } else if let Some(rest) = to.strip_prefix("//") {
        format!("{}://{rest}", base.scheme_str()?)
    } else {
        let origin = format!("{}://{}", base.scheme_str()?, base.authority()?);
        if to.starts_with('/') {
            format!("{origin}{to}")
        } else {
            // Without a slash the path is in no folder.
            let folder = base
                .path()
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder);
            format!("{origin}{folder}/{to}")
        }
    };
    let url: Uri = whole.parse().ok()?;
    url.host().filter(|host| !host.is_empty())?;
    Some(url)
}

/// A path as it stands in an address.
pub(super) fn escape(path: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(byte as char);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().expect("an address")
    }

    #[test]
    fn redirects_are_joined() {
        let base = uri("https://a.example/x/y?z=1");
        for (to, whole) in [
            ("https://b.example/q?s=%20", "https://b.example/q?s=%20"),
            ("//b.example/q", "https://b.example/q"),
            ("/q", "https://a.example/q"),
            ("q", "https://a.example/x/q"),
        ] {
            assert_eq!(joined(&base, to), Some(uri(whole)), "{to}");
        }
        assert_eq!(joined(&base, ""), None);
        assert_eq!(joined(&base, "https://"), None);
    }

    #[test]
    fn origins_are_told_apart() {
        let hub = uri("https://hub.example/a");
        assert!(same_origin(&uri("https://HUB.example:443/b"), &hub));
        assert!(!same_origin(&uri("http://hub.example/b"), &hub));
        assert!(!same_origin(&uri("https://hub.example.evil/b"), &hub));
        assert!(!same_origin(&uri("https://hub.example:444/b"), &hub));
    }
}
