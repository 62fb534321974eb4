//! The seal as `doctor` tells it: the proof, and what it does not cover.

use std::fs;

use super::invocation::Invocation;
use super::out::Tone;
use crate::base::places::private_dir;
use crate::base::seal::{self, Sealed};
use crate::jobs::check;

/// An attempt: what was tried, true if it was refused, the kernel's words.
type Tried = (String, bool, String);

/// The attempts in lines: what, verdict, and the kernel's words.
pub(super) fn attempts(tried: &[Tried]) -> Vec<String> {
    tried
        .iter()
        .map(|(what, refused, words)| {
            let verdict = if *refused { "refused" } else { "POSSIBLE" };
            format!("{verdict:<9} {what}: {words}")
        })
        .collect()
}

/// Tries to break the seal, here and from a child, and says what it does not cover. Returns true if
/// it held.
pub(super) fn show(sealed: &Sealed, invocation: &mut Invocation) -> bool {
    invocation.out.head("the seal");
    if let Sealed::No(why) = sealed {
        invocation.out.fact("not sealed", why);
        invocation.out.fact(
            "",
            "homebody opens no connection of its own, but on this system the kernel does not \
             enforce it",
        );
        return true;
    }
    let own = seal::probe();
    let child = match seal::probe_child() {
        Ok(tried) => tried,
        Err(failure) => {
            invocation.out.fact("a child of it", &failure.to_string());
            Vec::new()
        }
    };
    let held = proof(&own, &child, invocation);
    not_covered(invocation);
    let held = checks(invocation) && held;
    if held {
        invocation.out.parts(&[
            (Tone::Dim, "  verdict        "),
            (Tone::Green, "sealed: no network socket can be opened"),
        ]);
    } else {
        invocation.out.parts(&[
            (Tone::Dim, "  verdict        "),
            (Tone::Red, "NOT TIGHT: see above; please report this"),
        ]);
    }
    held
}

/// Tries what a check can do, from within a cage. Returns true if every wall stood.
fn checks(invocation: &mut Invocation) -> bool {
    let workspace = match invocation.open_as_it_is() {
        Ok(workspace) => workspace,
        Err(failure) => {
            invocation.out.fact("checks", &failure.to_string());
            return true;
        }
    };
    let place = &workspace.places.check;
    let tried = private_dir(place)
        .and_then(|()| check::proof(&workspace.repo, place, &workspace.allowance));
    let proof = match tried {
        Ok(proof) => proof,
        // Nothing is run then, so nothing can happen.
        Err(failure) => {
            invocation.out.fact("checks", &failure.to_string());
            return true;
        }
    };
    let walls = match (proof.walls.namespaces, proof.walls.landlock) {
        (true, 0) => "namespaces".to_owned(),
        (true, version) => format!("namespaces, and Landlock {version}"),
        (false, version) => format!("Landlock {version} alone"),
    };
    invocation.out.fact(
        "checks",
        &format!("run in a copy of the repository, in a cage ({walls}); tried from within:"),
    );
    let mut held = true;
    for (what, refused, words) in &proof.tried {
        held &= refused;
        let (tone, verdict) = match refused {
            true => (Tone::Green, "refused"),
            false => (Tone::Red, "POSSIBLE"),
        };
        invocation.out.parts(&[
            (Tone::Plain, &format!("    {what:<32} ")),
            (tone, &format!("{verdict:<9} ")),
            (Tone::Dim, words),
        ]);
    }
    for missing in proof.walls.missing() {
        invocation.out.fact("  not here", missing);
    }
    if workspace.config.check_unfenced.value {
        invocation.out.fact(
            "  switched off",
            "check_unfenced = true: checks run with every right that you have",
        );
    }
    held
}

/// Shows the attempts side by side. Returns true if every one was refused.
fn proof(own: &[Tried], child: &[Tried], invocation: &mut Invocation) -> bool {
    invocation.out.fact(
        "the proof",
        "each was tried just now, by this process and by a child of it:",
    );
    let mut held = !own.is_empty() && !child.is_empty();
    let mut words: Vec<&str> = Vec::new();
    for row in rows(own, child) {
        held &= row.refused();
        for said in row.words() {
            if !words.contains(&said) {
                words.push(said);
            }
        }
        let tone = |refused: Option<bool>| match refused {
            Some(false) => Tone::Red,
            Some(true) => Tone::Green,
            None => Tone::Dim,
        };
        let verdict = |refused: Option<bool>| match refused {
            Some(false) => "POSSIBLE",
            Some(true) => "refused",
            None => "-",
        };
        let (here, there) = (row.own.map(|t| t.1), row.child.map(|t| t.1));
        invocation.out.parts(&[
            (Tone::Plain, &format!("    {:<32} ", row.what)),
            (tone(here), &format!("{:<9} ", verdict(here))),
            (tone(there), verdict(there)),
        ]);
    }
    invocation.out.fact("it answered", &words.join("; "));
    held
}

/// An attempt that was made here and by the child.
struct Attempted<'a> {
    what: &'a str,
    own: Option<&'a Tried>,
    child: Option<&'a Tried>,
}

impl<'a> Attempted<'a> {
    fn refused(&self) -> bool {
        [self.own, self.child]
            .into_iter()
            .flatten()
            .all(|(_, refused, _)| *refused)
    }

    fn words(&self) -> impl Iterator<Item = &'a str> {
        [self.own, self.child]
            .into_iter()
            .flatten()
            .map(|(_, _, words)| words.as_str())
    }
}

/// The attempts of this process and of the child, matched by what was tried.
fn rows<'a>(own: &'a [Tried], child: &'a [Tried]) -> Vec<Attempted<'a>> {
    fn named<'t>(tried: &'t [Tried], what: &str) -> Option<&'t Tried> {
        tried.iter().find(|(name, _, _)| name == what)
    }
    let only_child = child
        .iter()
        .filter(|(what, _, _)| named(own, what).is_none());
    own.iter()
        .chain(only_child)
        .map(|(what, _, _)| Attempted {
            what,
            own: named(own, what),
            child: named(child, what),
        })
        .collect()
}

/// Says what stays possible, plainly.
fn not_covered(invocation: &mut Invocation) {
    invocation.out.fact("not covered", "");
    let sockets = if seal::unix_sockets() {
        "can be opened (tried)"
    } else {
        "cannot be opened (tried)"
    };
    let listening = daemons(&|name| std::env::var_os(name).is_some(), &|path| {
        fs::symlink_metadata(path).is_ok()
    });
    let found = if listening.is_empty() {
        String::new()
    } else {
        format!(" Found here: {}.", listening.join(", "))
    };
    invocation.out.fact(
        "  unix sockets",
        &format!(
            "{sockets}. A program that listens on one, such as docker, an ssh agent, D-Bus or a \
             display server, is not sealed and could act for whoever asks it.{found}"
        ),
    );
    // Only Linux has these files, and not every kernel has the first.
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    invocation.out.fact(
        "  processes",
        &other_processes(scope.as_deref(), may_trace(&status)),
    );
    invocation.out.fact(
        "  files",
        "what is written to disk is read by other programs later, and they are not sealed: a \
         patch that you apply, a build script, a git hook, a folder that is synchronized.",
    );
    invocation.out.fact(
        "  downloads",
        "`models pull` needs a network, so it runs in a process without the seal. It is given \
         the name of a model and nothing else, and reads no repository.",
    );
}

/// The local daemons that this user could reach, by what their clients look for.
fn daemons(has_variable: &dyn Fn(&str) -> bool, has_file: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (name, variables, files) in [
        (
            "docker",
            &["DOCKER_HOST"][..],
            &["/var/run/docker.sock", "/run/podman/podman.sock"][..],
        ),
        ("containerd", &[], &["/run/containerd/containerd.sock"]),
        ("an ssh agent", &["SSH_AUTH_SOCK"], &[]),
        (
            "D-Bus",
            &["DBUS_SESSION_BUS_ADDRESS"],
            &["/run/dbus/system_bus_socket"],
        ),
        ("a display server", &["DISPLAY", "WAYLAND_DISPLAY"], &[]),
        ("tmux", &["TMUX"], &[]),
    ] {
        if variables.iter().any(|variable| has_variable(variable))
            || files.iter().any(|file| has_file(file))
        {
            found.push(name.to_owned());
        }
    }
    found
}

/// Tells whether `/proc/self/status` shows the capability to trace any process.
fn may_trace(status: &str) -> bool {
    /// The bit of `CAP_SYS_PTRACE`.
    const BIT: u32 = 19;
    status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|set| u64::from_str_radix(set.trim(), 16).ok())
        .is_some_and(|set| set >> BIT & 1 == 1)
}

/// Says whether the memory of other processes of this user can be written through `/proc`, which
/// opens no socket and makes no call that the seal refuses.
fn other_processes(scope: Option<&str>, privileged: bool) -> String {
    let (setting, verdict) = match scope.map(str::trim) {
        None => (
            "this kernel has no ptrace_scope".to_owned(),
            "not restricted",
        ),
        Some("0") => ("ptrace_scope is 0".to_owned(), "not restricted"),
        Some("1") if privileged => (
            "ptrace_scope is 1, but this process may trace any".to_owned(),
            "not restricted",
        ),
        Some("2") if privileged => (
            "ptrace_scope is 2, but this process may trace any".to_owned(),
            "not restricted",
        ),
        Some("1") => (
            "ptrace_scope is 1".to_owned(),
            "only those that it started itself, which are sealed too, but for the one that downloads: \
             that one is closed to others",
        ),
        Some(scope) => (format!("ptrace_scope is {scope}"), "refused by the kernel"),
    };
    format!(
        "writing into other processes of yours through /proc/PID/mem: {verdict} ({setting}).{}",
        if verdict == "not restricted" {
            " A process so changed is not sealed. To close it: \
             `sysctl kernel.yama.ptrace_scope=1`, and do not run homebody as root."
        } else {
            ""
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_child_tried_has_a_row_too() {
        let tried = |what: &str, refused| (what.to_owned(), refused, "no".to_owned());
        let own = [tried("a", true), tried("b", true)];
        let child = [tried("a", true), tried("b", false), tried("c", true)];
        let rows = rows(&own, &child);
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.what, row.own.is_some(), row.refused()))
            .collect();
        assert_eq!(
            told,
            [("a", true, true), ("b", true, false), ("c", false, true)]
        );
    }

    #[test]
    fn the_way_through_proc_is_told_by_scope_and_privilege() {
        for (scope, privileged, open) in [
            (None, false, true),
            (Some("0\n"), false, true),
            (Some("1\n"), false, false),
            (Some("1\n"), true, true),
            (Some("2\n"), false, false),
            (Some("2\n"), true, true),
            (Some("3\n"), true, false),
        ] {
            let told = other_processes(scope, privileged);
            assert_eq!(told.contains("not restricted"), open, "{told}");
        }
        assert!(may_trace("Name:\tx\nCapEff:\t000001ffffffffff\n"));
        assert!(!may_trace("CapEff:\t0000000000000000\n"));
        assert!(!may_trace("CapEff:\tfffffffffff7ffff\n"));
        assert!(!may_trace(""));
    }

    #[test]
    fn daemons_are_named_by_what_their_clients_look_for() {
        let found = daemons(&|name| name == "SSH_AUTH_SOCK", &|path| {
            path == "/var/run/docker.sock"
        });
        assert_eq!(found, ["docker", "an ssh agent"]);
        assert!(daemons(&|_| false, &|_| false).is_empty());
    }
}
