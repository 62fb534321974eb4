//! Trying to break the seal, and telling the answers of the kernel.

use std::fmt::Write as _;
use std::io::Read as _;
use std::process::{Command, Stdio};

use crate::base::failure::{Failure, Result};

/// The hidden first argument with which our own binary only tries, and tells.
pub const PROBE_ARG: &str = "__probe";

/// The name of the attempt that may end the process that makes it.
const FATAL: &str = "i386";

/// Tries to break the seal, for `doctor` and the tests. Returns for each attempt its name, true if
/// it was refused, and the system's words.
pub fn probe() -> Vec<(String, bool, String)> {
    attempts::all()
}

/// Tries as [`probe`] from a child process, which must have inherited the seal, with one attempt
/// more that a sealed process does not survive.
///
/// # Errors
/// Of kind environment, if our own binary cannot be started again.
pub fn probe_child() -> Result<Vec<(String, bool, String)>> {
    /// The most bytes of an answer; a true one is shorter by far.
    const MOST_BYTES: u64 = 1_000_000;
    let failed = |e: &std::io::Error| {
        Failure::environment("cannot try the seal from a child process").caused_by(e)
    };
    let program = super::own_program().map_err(|e| failed(&e))?;
    let run = |which: &str| {
        Command::new(&program)
            .arg(PROBE_ARG)
            .arg(which)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
    };
    let mut child = run("all").map_err(|e| failed(&e))?;
    let mut text = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout
            .take(MOST_BYTES)
            .read_to_string(&mut text)
            .map_err(|e| failed(&e))?;
    }
    child.wait().map_err(|e| failed(&e))?;
    let mut found: Vec<(String, bool, String)> = text
        .lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, '\t');
            let (what, refused, words) = (parts.next()?, parts.next()?, parts.next()?);
            Some((what.to_owned(), refused == "refused", words.to_owned()))
        })
        .collect();
    if attempts::has_fatal() {
        let output = run(FATAL)
            .and_then(std::process::Child::wait_with_output)
            .map_err(|e| failed(&e))?;
        let opened = output.status.success();
        let words = if opened {
            "opened".to_owned()
        } else {
            format!("the child was ended ({})", output.status)
        };
        found.push(("IPv4 socket by a 32-bit call".to_owned(), !opened, words));
    }
    Ok(found)
}

/// Answers on the child's side of [`probe_child`]: with the text to print, and true if the child is
/// content.
pub fn answer_probe(which: &str) -> (String, bool) {
    if which == FATAL {
        return (String::new(), attempts::fatal());
    }
    let mut text = String::new();
    for (what, refused, words) in probe() {
        let verdict = if refused { "refused" } else { "done" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{what}\t{verdict}\t{words}");
    }
    (text, true)
}

/// Tells whether unix sockets can be opened: they can, also when sealed, and `doctor` says so.
pub fn unix_sockets() -> bool {
    attempts::unix()
}

#[cfg(target_os = "linux")]
mod attempts {
    use std::io;
    use std::mem;

    use libc::{c_int, c_long};

    /// Turns the number that a call has returned into the descriptor or the error.
    fn told(returned: c_long) -> Result<c_int, io::Error> {
        if returned < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(returned as c_int)
        }
    }

    fn close(fd: c_int) {
        // SAFETY: the descriptor was opened by the attempt just made and is held by nobody.
        unsafe {
            libc::close(fd);
        }
    }

    /// Opens a socket by the number of the call, which `libc` would choose for us.
    fn socket(number: c_long, family: u64, kind: c_int) -> Result<(), io::Error> {
        // SAFETY: the call takes three numbers and touches no memory of ours.
        let fd = told(unsafe { libc::syscall(number, family, kind, 0) })?;
        close(fd);
        Ok(())
    }

    /// Connects a socket to this machine itself.
    fn connect() -> Result<(), io::Error> {
        // SAFETY: numbers only.
        let fd = told(c_long::from(unsafe {
            libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)
        }))?;
        // SAFETY: an address made of numbers, for which all zeros is a valid value.
        let mut address: libc::sockaddr_in = unsafe { mem::zeroed() };
        address.sin_family = libc::AF_INET as libc::sa_family_t;
        address.sin_port = 9u16.to_be();
        address.sin_addr.s_addr = u32::from_be_bytes([127, 0, 0, 1]).to_be();
        // SAFETY: the address is as large as is said and outlives the call.
        let returned = unsafe {
            libc::connect(
                fd,
                (&raw const address).cast(),
                mem::size_of::<libc::sockaddr_in>() as libc::socklen_t,
            )
        };
        let outcome = told(c_long::from(returned)).map(|_| ());
        close(fd);
        outcome
    }

    /// Makes a ring of calls.
    fn ring() -> Result<(), io::Error> {
        // Larger than the kernel's `struct io_uring_params`.
        let mut parameters = [0u64; 32];
        // SAFETY: the kernel reads and writes 120 bytes at the pointer; there are 256.
        let fd = told(unsafe {
            libc::syscall(libc::SYS_io_uring_setup, 1u32, parameters.as_mut_ptr())
        })?;
        close(fd);
        Ok(())
    }

    /// Makes a call that fails for lack of sense where it is not refused before.
    fn senseless(number: c_long, arguments: [c_long; 4]) -> Result<(), io::Error> {
        let [a, b, c, d] = arguments;
        // SAFETY: no descriptor, process or memory is named by these arguments; lengths are 0.
        match told(unsafe { libc::syscall(number, a, b, c, d, 0, 0) }) {
            Err(e) if e.raw_os_error() == Some(libc::EPERM) => Err(e),
            _ => Ok(()),
        }
    }

    pub(super) fn unix() -> bool {
        socket(libc::SYS_socket, libc::AF_UNIX as u64, libc::SOCK_STREAM).is_ok()
    }

    pub(super) fn all() -> Vec<(String, bool, String)> {
        let open = |family: c_int, kind: c_int| socket(libc::SYS_socket, family as u64, kind);
        let mut found = Vec::new();
        let mut note = |what: &str, outcome: Result<(), io::Error>| {
            let (refused, words) = match outcome {
                Ok(()) => (false, "allowed".to_owned()),
                Err(e) => (true, e.to_string()),
            };
            found.push((what.to_owned(), refused, words));
        };
        note("IPv4 socket (TCP)", open(libc::AF_INET, libc::SOCK_STREAM));
        note("IPv4 socket (UDP)", open(libc::AF_INET, libc::SOCK_DGRAM));
        note("IPv6 socket (TCP)", open(libc::AF_INET6, libc::SOCK_STREAM));
        note("netlink socket", open(libc::AF_NETLINK, libc::SOCK_RAW));
        note("packet socket", open(libc::AF_PACKET, libc::SOCK_RAW));
        note("vsock socket", open(libc::AF_VSOCK, libc::SOCK_STREAM));
        note(
            "IPv4 socket, upper bits set",
            socket(
                libc::SYS_socket,
                (1 << 32) | libc::AF_INET as u64,
                libc::SOCK_STREAM,
            ),
        );
        #[cfg(target_arch = "x86_64")]
        note(
            "IPv4 socket by its x32 number",
            socket(
                0x4000_0000 | libc::SYS_socket,
                libc::AF_INET as u64,
                libc::SOCK_STREAM,
            ),
        );
        note("connect to 127.0.0.1", connect());
        note("io_uring_setup", ring());
        note(
            "pidfd_getfd",
            senseless(libc::SYS_pidfd_getfd, [-1, -1, 0, 0]),
        );
        note(
            "ptrace",
            senseless(
                libc::SYS_ptrace,
                [c_long::from(libc::PTRACE_ATTACH), 0, 0, 0],
            ),
        );
        note(
            "process_vm_writev",
            senseless(libc::SYS_process_vm_writev, [-1, 0, 0, 0]),
        );
        let typing = libc::TIOCSTI as c_long;
        note(
            "typing into a terminal",
            senseless(libc::SYS_ioctl, [-1, typing, 0, 0]),
        );
        note(
            "request_key",
            senseless(libc::SYS_request_key, [0, 0, 0, 0]),
        );
        note("keyctl", senseless(libc::SYS_keyctl, [-1, 0, 0, 0]));
        found
    }

    pub(super) const fn has_fatal() -> bool {
        cfg!(target_arch = "x86_64")
    }

    /// Opens an IPv4 socket by the call of the 32-bit architecture. A sealed process is ended
    /// by the kernel, one of a kernel without 32-bit calls by a fault.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn fatal() -> bool {
        /// The number of `socket` in that architecture.
        const SOCKET: c_long = 359;
        let mut returned: c_long = SOCKET;
        // SAFETY: the call takes three numbers; `rbx`, which the compiler keeps for itself, is
        // put back; the kernel zeroes r8 to r11 on this path, so they are declared as lost.
        unsafe {
            std::arch::asm!(
                "xchg rbx, {family}",
                "int 0x80",
                "xchg rbx, {family}",
                family = inout(reg) c_long::from(libc::AF_INET) => _,
                inout("rax") returned,
                in("rcx") c_long::from(libc::SOCK_STREAM),
                in("rdx") 0,
                out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            );
        }
        returned as i32 >= 0
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(super) const fn fatal() -> bool {
        false
    }
}

#[cfg(not(target_os = "linux"))]
mod attempts {
    pub(super) fn all() -> Vec<(String, bool, String)> {
        Vec::new()
    }

    pub(super) const fn unix() -> bool {
        cfg!(unix)
    }

    pub(super) const fn has_fatal() -> bool {
        false
    }

    pub(super) const fn fatal() -> bool {
        false
    }
}
