//! The seal against the real binary: what the kernel refuses to it and to its children, and
//! that the same attempts succeed without the seal, so that these tests can fail.

#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::net::UdpSocket;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

/// What the hidden `debug seal` reports: (attempt, verdict, the kernel's words).
fn attempts(args: &[&str]) -> Vec<(String, String, String)> {
    let home = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_homebody"))
        .args(["debug", "seal"])
        .args(args)
        .env("HOME", home.path())
        .env_remove("XDG_CONFIG_HOME")
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            let (verdict, rest) = line.split_once(' ').expect("a verdict");
            let (what, words) = rest.trim_start().split_once(": ").expect("words");
            (what.to_owned(), verdict.to_owned(), words.to_owned())
        })
        .collect()
}

fn verdict<'a>(found: &'a [(String, String, String)], what: &str) -> (&'a str, &'a str) {
    let (_, verdict, words) = found.iter().find(|(name, _, _)| name == what).expect(what);
    (verdict, words)
}

/// What the filter answers for itself, whatever the kernel would have said.
const REFUSED: &[&str] = &[
    "IPv4 socket (TCP)",
    "IPv4 socket (UDP)",
    "IPv6 socket (TCP)",
    "netlink socket",
    "packet socket",
    "vsock socket",
    "IPv4 socket, upper bits set",
    "IPv4 socket by its x32 number",
    "connect to 127.0.0.1",
    "io_uring_setup",
    "pidfd_getfd",
    "ptrace",
    "process_vm_writev",
    "typing into a terminal",
    "request_key",
    "keyctl",
];

#[test]
fn a_sealed_process_is_refused_every_way_out() {
    let found = attempts(&[]);
    for what in REFUSED {
        let (verdict, words) = verdict(&found, what);
        assert_eq!(verdict, "refused", "{what}: {words}");
        assert!(
            words.contains("Operation not permitted"),
            "{what} must be refused by the filter, not for another reason: {words}"
        );
    }
    assert_eq!(found.len(), REFUSED.len(), "{found:?}");
}

#[test]
fn a_child_of_a_sealed_process_is_refused_too() {
    let found = attempts(&["--child"]);
    for what in REFUSED {
        let (verdict, words) = verdict(&found, what);
        assert_eq!(verdict, "refused", "{what}: {words}");
        assert!(words.contains("Operation not permitted"), "{what}: {words}");
    }
    let (verdict, words) = verdict(&found, "IPv4 socket by a 32-bit call");
    assert_eq!(verdict, "refused", "{words}");
}

#[test]
fn without_the_seal_the_same_attempts_succeed() {
    for child in [&["--open"][..], &["--open", "--child"]] {
        let found = attempts(child);
        for what in [
            "IPv4 socket (TCP)",
            "IPv4 socket (UDP)",
            "netlink socket",
            "IPv4 socket, upper bits set",
            "connect to 127.0.0.1",
            "pidfd_getfd",
            "ptrace",
            "process_vm_writev",
        ] {
            let (verdict, words) = verdict(&found, what);
            assert_eq!(verdict, "POSSIBLE", "{what}: {words}");
        }
        // Most kernels know no x32 numbers; the filter must be what answers when sealed.
        let (_, words) = verdict(&found, "IPv4 socket by its x32 number");
        assert!(!words.contains("Operation not permitted"), "{words}");
    }
}

/// Descriptors are handed over by a shell: standard input is the one way safe code has.
#[test]
fn a_network_socket_as_standard_input_is_replaced() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("tests are not sealed");
    let home = tempfile::tempdir().expect("a folder");
    let handed = |args: &[&str]| {
        let input = Stdio::from(OwnedFd::from(socket.try_clone().expect("a copy")));
        let output = Command::new("/bin/sh")
            .arg("-c")
            // 7 is a second copy; the listing is what the sealed process's child sees.
            .arg("exec \"$@\" 7<&0")
            .arg("sh")
            .arg(env!("CARGO_BIN_EXE_homebody"))
            .args(args)
            .env("HOME", home.path())
            .stdin(input)
            .output()
            .expect("runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let open = handed(&["debug", "seal", "--open", "--inherited"]);
    assert!(open.contains("0: network"), "{open}");
    assert!(open.contains("7: network"), "{open}");
    let sealed = handed(&["debug", "seal", "--inherited"]);
    assert!(!sealed.contains("network"), "{sealed}");
    assert!(sealed.contains("0: other"), "{sealed}");
    assert!(!sealed.contains("7:"), "{sealed}");
}
