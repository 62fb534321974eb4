//! The seal: after it, this process and its children cannot open a network socket.
//!
//! On Linux a seccomp filter answers in the kernel, before the call is carried out, and every
//! child inherits it; it cannot be lifted. The filter refuses:
//!
//! - `socket` and `socketpair` of every family but `AF_UNIX`. The family is compared as the
//!   32 bits the kernel itself looks at, so that set upper bits are no way around.
//! - `io_uring_setup`, `_enter` and `_register`, since a ring could open sockets unseen.
//! - the requests `TIOCSTI` and `TIOCLINUX`, which type into a terminal, and the calls for keys of
//!   the kernel, which starts programs of its own to get them.
//! - `pidfd_getfd`, `ptrace` and `process_vm_writev`, with which an unsealed process of the
//!   same user could be made to act for us.
//! - every call by an x32 number (x86-64), and every call of a foreign architecture: the
//!   first get `EPERM`, the second end the process.
//!
//! Ways that stay open are named by `doctor`: unix sockets, and with them whatever a daemon
//! that listens on one is willing to do; `/proc/PID/mem` of the same user's processes where
//! the kernel does not restrict tracing; files that other programs read later.

pub mod cage;
mod probe;
pub mod worker;

pub use probe::{PROBE_ARG, answer_probe, probe, probe_child, unix_sockets};

use std::path::PathBuf;

use super::failure::Result;

/// The state of the seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealed {
    /// The seal is on: the kernel refuses.
    Yes,
    /// The seal is not on; with the reason.
    No(String),
}

/// Puts the seal on, for good. Call before the first thread and before the first repository file is
/// read. Where the platform has no such thing, that is returned.
///
/// # Errors
/// Of kind environment, if the platform has it and refuses it.
pub fn put_on() -> Result<Sealed> {
    platform::put_on()
}

/// Returns the path of the program that runs, to be started once more: on Linux the file itself,
/// also where another was put in its place meanwhile.
fn own_program() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok("/proc/self/exe".into())
    } else {
        std::env::current_exe()
    }
}

/// Lets no other process of this user look into this one or write into it, but root's.
pub fn close_to_others() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // The kernel refuses no process this.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Lists the descriptors that are open now, each with true if it could reach a network.
pub fn descriptors() -> Vec<(i32, bool)> {
    platform::descriptors()
}

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod platform {
    use std::collections::BTreeMap;
    use std::fs;
    use std::mem;

    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch, apply_filter_all_threads,
    };

    use super::Sealed;
    use crate::base::failure::{Failure, Result};

    pub(super) fn put_on() -> Result<Sealed> {
        let failed = |e: &dyn std::error::Error| {
            Failure::environment("the seal cannot be put on")
                .caused_by(e)
                .hint("nothing of the repository was read; see `homebody doctor`")
        };
        let program = program().map_err(|e| failed(&e))?;
        close_inherited();
        match apply_filter_all_threads(&program) {
            Ok(()) => Ok(Sealed::Yes),
            Err(seccompiler::Error::Seccomp(e) | seccompiler::Error::Prctl(e))
                if matches!(
                    e.raw_os_error(),
                    Some(libc::ENOSYS | libc::EINVAL | libc::EOPNOTSUPP)
                ) =>
            {
                Ok(Sealed::No(
                    "this kernel offers no seccomp filters".to_owned(),
                ))
            }
            Err(e) => Err(failed(&e)),
        }
    }

    /// Makes the filter as the kernel takes it.
    pub(super) fn program() -> Result<BpfProgram, seccompiler::BackendError> {
        let not_unix = || {
            SeccompRule::new(vec![SeccompCondition::new(
                0,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::Ne,
                libc::AF_UNIX as u64,
            )?])
        };
        // The kernel looks at 32 bits of a request.
        let request = |request: libc::Ioctl| {
            SeccompRule::new(vec![SeccompCondition::new(
                1,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::Eq,
                u64::from(request as u32),
            )?])
        };
        // No rule for a call: it is refused whatever its arguments.
        let rules = BTreeMap::from([
            (libc::SYS_socket, vec![not_unix()?]),
            (libc::SYS_socketpair, vec![not_unix()?]),
            (libc::SYS_io_uring_setup, vec![]),
            (libc::SYS_io_uring_enter, vec![]),
            (libc::SYS_io_uring_register, vec![]),
            (libc::SYS_pidfd_getfd, vec![]),
            (libc::SYS_ptrace, vec![]),
            (libc::SYS_process_vm_writev, vec![]),
            // What is typed into a terminal this way, its shell carries out after us.
            (
                libc::SYS_ioctl,
                vec![request(libc::TIOCSTI)?, request(libc::TIOCLINUX)?],
            ),
            // The kernel starts a program for a key that it has not, outside of the seal.
            (libc::SYS_request_key, vec![]),
            (libc::SYS_add_key, vec![]),
            (libc::SYS_keyctl, vec![]),
        ]);
        let arch = if cfg!(target_arch = "x86_64") {
            TargetArch::x86_64
        } else {
            TargetArch::aarch64
        };
        let filter = SeccompFilter::new(
            rules,
            SeccompAction::Allow,
            SeccompAction::Errno(libc::EPERM as u32),
            arch,
        )?;
        let checked: BpfProgram = filter.try_into()?;
        let mut program = prelude();
        program.extend(checked);
        Ok(program)
    }

    /// Makes the beginning of the filter, which refuses x32 numbers: those run under the
    /// architecture of x86-64 with bit 30 set, and the rules, which compare whole numbers, would
    /// not know them.
    #[cfg(target_arch = "x86_64")]
    fn prelude() -> BpfProgram {
        use seccompiler::sock_filter;
        const X32_BIT: u32 = 0x4000_0000;
        let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
        vec![
            // The number is the first word of what the filter is given.
            sock_filter {
                code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16,
                jt: 0,
                jf: 0,
                k: 0,
            },
            sock_filter {
                code: (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16,
                jt: 0,
                jf: 1,
                k: X32_BIT,
            },
            sock_filter {
                code: (libc::BPF_RET | libc::BPF_K) as u16,
                jt: 0,
                jf: 0,
                k: refused,
            },
        ]
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn prelude() -> BpfProgram {
        BpfProgram::new()
    }

    /// Closes descriptors handed to us that could reach a network: sockets of other families
    /// than unix, and rings that could carry out calls made for them.
    fn close_inherited() {
        for (fd, network) in descriptors() {
            if network {
                close(fd);
            }
        }
    }

    pub(super) fn descriptors() -> Vec<(i32, bool)> {
        /// The number of descriptors that are looked at one by one where `/proc` is not mounted.
        const MOST: i32 = 4096;
        let open: Vec<i32> = match fs::read_dir("/proc/self/fd") {
            Ok(entries) => entries
                .flatten()
                .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
                .collect(),
            Err(_) => (0..MOST).collect(),
        };
        open.into_iter().map(|fd| (fd, reaches_out(fd))).collect()
    }

    /// Tells whether a descriptor could reach a network.
    fn reaches_out(fd: i32) -> bool {
        let mut domain: libc::c_int = 0;
        let mut size = mem::size_of::<libc::c_int>() as libc::socklen_t;
        // SAFETY: `domain` is as large as `size` says, and both outlive the call; a number that
        // is no descriptor, or no socket, is answered with an error.
        let asked = unsafe {
            libc::getsockopt(
                fd,
                libc::SOL_SOCKET,
                libc::SO_DOMAIN,
                (&raw mut domain).cast(),
                &raw mut size,
            )
        };
        if asked == 0 {
            return domain != libc::AF_UNIX;
        }
        fs::read_link(format!("/proc/self/fd/{fd}"))
            .is_ok_and(|target| target.as_os_str() == "anon_inode:[io_uring]")
    }

    /// Closes a descriptor; a standard one leads nowhere then.
    fn close(fd: i32) {
        if fd <= libc::STDERR_FILENO {
            // A standard descriptor that is simply gone would be taken by the next file opened.
            // SAFETY: the path is a constant text with its zero byte; `dup2` and `close` are
            // given numbers only and touch no memory of ours.
            unsafe {
                let null = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
                if null >= 0 {
                    libc::dup2(null, fd);
                    libc::close(null);
                    return;
                }
            }
        }
        // SAFETY: called before anything in this program holds a socket, so nobody owns `fd`.
        unsafe {
            libc::close(fd);
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_filter_is_made_and_knows_the_x32_numbers() {
            let program = program().expect("made");
            assert!(program.len() > 10);
            if cfg!(target_arch = "x86_64") {
                assert_eq!(program[1].k, 0x4000_0000);
            }
        }

        #[test]
        fn unix_sockets_and_files_are_not_taken_for_ways_out() {
            use std::os::fd::AsRawFd as _;
            let (one, _other) = std::os::unix::net::UnixStream::pair().expect("a pair");
            assert!(!reaches_out(one.as_raw_fd()));
            let file = tempfile::tempfile().expect("a file");
            assert!(!reaches_out(file.as_raw_fd()));
            assert!(!reaches_out(-1));
            let net = std::net::UdpSocket::bind("127.0.0.1:0").expect("not sealed");
            assert!(reaches_out(net.as_raw_fd()));
        }
    }
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod platform {
    use super::Sealed;
    use crate::base::failure::Result;

    pub(super) fn descriptors() -> Vec<(i32, bool)> {
        Vec::new()
    }

    pub(super) fn put_on() -> Result<Sealed> {
        Ok(Sealed::No(format!(
            "homebody has no seal for {} on {}",
            std::env::consts::OS,
            std::env::consts::ARCH
        )))
    }
}
