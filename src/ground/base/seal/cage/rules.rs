//! The refusals of the kernel to a caged command, beside all that is not there: Landlock, calls,
//! and capabilities.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, PathBeneath,
    PathFd, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError,
    Scope,
};
use rustix::thread::{CapabilitySet, CapabilitySets};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

use super::Cage;
use crate::base::failure::io_failure;
use crate::base::{Failure, Result};

/// The newest interface of Landlock that is asked for; an older kernel gives the one it has.
const NEWEST: ABI = ABI::V9;
/// Devices that anybody may write.
const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// Asks for the version of Landlock that this kernel has, 0 for none.
pub(super) fn landlock_version() -> u32 {
    const VERSION: libc::c_long = 1;
    // SAFETY: with this flag the call takes no memory and gives a number.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<libc::c_void>(),
            0,
            VERSION,
        )
    };
    // Where there is no Landlock, or it is switched off, the answer is an error: -1.
    u32::try_from(version).unwrap_or(0)
}

/// Turns a version into the interface; newer ones are taken as the newest known.
fn abi(version: u32) -> ABI {
    match version {
        0 => ABI::Unsupported,
        1 => ABI::V1,
        2 => ABI::V2,
        3 => ABI::V3,
        4 => ABI::V4,
        5 => ABI::V5,
        6 => ABI::V6,
        7 => ABI::V7,
        8 => ABI::V8,
        _ => ABI::V9,
    }
}

/// Restricts this process, and those it starts, to the files that the cage lists. Where there are
/// namespaces besides, nothing else can be read anyway, and only writing is restricted.
pub(super) fn restrict(cage: &Cage, home: &Path, namespaces: bool, version: u32) -> Result<()> {
    ruled(cage, home, namespaces, abi(version))
        .map_err(|e| Failure::environment("the rules of Landlock cannot be put up").caused_by(&e))
}

/// Puts up the rules of [`restrict`].
fn ruled(
    cage: &Cage,
    home: &Path,
    namespaces: bool,
    abi: ABI,
) -> std::result::Result<(), RulesetError> {
    let write = AccessFs::from_write(abi);
    let all = AccessFs::from_all(abi);
    let mut rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    rules = rules.handle_access(if namespaces { write } else { all })?;
    if abi >= ABI::V4 {
        // No port is allowed: that holds for sockets that somebody has handed over, too.
        rules = rules.handle_access(AccessNet::from_all(abi))?;
    }
    if abi >= ABI::V6 {
        rules = rules.scope(Scope::from_all(abi))?;
    }
    let mut rules = rules.create()?;
    let ours = if namespaces { write } else { all };
    for path in cage.write.iter().map(PathBuf::as_path).chain([home]) {
        rules = allow(rules, path, ours)?;
    }
    if namespaces {
        // These folders are the cage's own, and nobody else's.
        for path in ["/tmp", "/var/tmp", "/run", "/dev"] {
            rules = allow(rules, Path::new(path), write)?;
        }
        for cache in &cage.caches {
            rules = allow(rules, &cache.at, write)?;
        }
    } else {
        for cache in &cage.caches {
            rules = allow(rules, &cache.ours, all)?;
            rules = allow(rules, &cache.at, AccessFs::from_read(abi))?;
        }
        for path in &cage.read {
            for path in beside(path, &cage.hidden) {
                rules = allow(rules, &path, AccessFs::from_read(abi))?;
            }
        }
        for path in DEVICES {
            rules = allow(
                rules,
                Path::new(path),
                AccessFs::ReadFile | AccessFs::WriteFile,
            )?;
        }
        rules = allow(rules, Path::new("/proc"), AccessFs::from_read(abi))?;
    }
    rules.restrict_self()?;
    Ok(())
}

/// Adds a rule that allows access to a path; a path that is not there needs none.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> std::result::Result<RulesetCreated, RulesetError> {
    let Ok(opened) = PathFd::new(path) else {
        return Ok(rules);
    };
    let access = if path.is_dir() {
        access
    } else {
        access & AccessFs::from_file(NEWEST)
    };
    rules.add_rule(PathBeneath::new(opened, access))
}

/// Returns a path, or, if something in it is hidden, everything in it that is not.
fn beside(path: &Path, hidden: &[PathBuf]) -> Vec<PathBuf> {
    if !hidden.iter().any(|hidden| hidden.starts_with(path)) {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
        .map(|entry| entry.path())
        .filter(|path| !hidden.contains(path))
        .flat_map(|path| beside(&path, hidden))
        .collect()
}

/// Gives up every capability, also those that a program would get by being root's.
pub(super) fn drop_capabilities() -> Result<()> {
    /// A number of capabilities that no kernel reaches.
    const MOST: u32 = 64;
    for capability in 0..MOST {
        // SAFETY: numbers only; one that is not known is refused.
        unsafe {
            libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
    }
    rustix::thread::clear_ambient_capability_set()
        .and_then(|()| {
            rustix::thread::set_capabilities(
                None,
                CapabilitySets {
                    effective: CapabilitySet::empty(),
                    permitted: CapabilitySet::empty(),
                    inheritable: CapabilitySet::empty(),
                },
            )
        })
        .map_err(|e| io_failure("cannot give up capabilities", &e.into()))
}

/// Refuses calls that a check has no need of, and that lead to parts of the kernel that few have
/// looked at. Those that the seal refuses are refused already.
///
/// Without namespaces, `chmod` reaches every file of the user, so that what makes a program run
/// with the user's rights is refused; and memory that System V shares is everybody's.
pub(super) fn refuse_calls(namespaces: bool) -> Result<()> {
    let failed = |e: &dyn std::error::Error| {
        Failure::environment("the calls of a check cannot be restricted").caused_by(e)
    };
    for program in [refused(namespaces), missing()] {
        let program = program.map_err(|e| failed(&e))?;
        seccompiler::apply_filter(&program).map_err(|e| failed(&e))?;
    }
    Ok(())
}

const fn arch() -> TargetArch {
    if cfg!(target_arch = "x86_64") {
        TargetArch::x86_64
    } else {
        TargetArch::aarch64
    }
}

/// Calls that are refused whatever their arguments.
const REFUSED: [libc::c_long; 30] = [
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kcmp,
    libc::SYS_process_vm_readv,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_fanotify_init,
];

/// Makes the filter of calls that answers with `EPERM`.
fn refused(namespaces: bool) -> std::result::Result<BpfProgram, seccompiler::BackendError> {
    let new_user = || {
        let flag = libc::CLONE_NEWUSER as u64;
        SeccompRule::new(vec![SeccompCondition::new(
            0,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(flag),
            flag,
        )?])
    };
    let mut rules = BTreeMap::from([
        // In a user namespace of its own a process has capabilities again.
        (libc::SYS_unshare, vec![new_user()?]),
        (libc::SYS_clone, vec![new_user()?]),
        // A process may limit itself, and not those that watch it.
        (
            libc::SYS_prlimit64,
            vec![SeccompRule::new(vec![SeccompCondition::new(
                0,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::Ne,
                0,
            )?])?],
        ),
    ]);
    if !namespaces {
        rules.extend(of_everybody()?);
    }
    rules.extend(REFUSED.map(|call| (call, vec![])));
    SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM as u32),
        arch(),
    )?
    .try_into()
}

/// Makes the rules for calls that reach beyond the cage where there are no namespaces.
fn of_everybody() -> std::result::Result<Vec<(i64, Vec<SeccompRule>)>, seccompiler::BackendError> {
    const FCHMODAT2: i64 = 452;
    let set_id = |argument: u8| -> std::result::Result<Vec<SeccompRule>, _> {
        let bit = |bit: u64| {
            SeccompRule::new(vec![SeccompCondition::new(
                argument,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::MaskedEq(bit),
                bit,
            )?])
        };
        Ok::<_, seccompiler::BackendError>(vec![bit(0o4000)?, bit(0o2000)?])
    };
    let mut rules = vec![
        (libc::SYS_fchmod, set_id(1)?),
        (libc::SYS_fchmodat, set_id(2)?),
        (FCHMODAT2, set_id(2)?),
    ];
    #[cfg(target_arch = "x86_64")]
    rules.push((libc::SYS_chmod, set_id(1)?));
    for call in [
        libc::SYS_shmget,
        libc::SYS_shmat,
        libc::SYS_shmctl,
        libc::SYS_msgget,
        libc::SYS_msgsnd,
        libc::SYS_msgrcv,
        libc::SYS_msgctl,
        libc::SYS_semget,
        libc::SYS_semop,
        libc::SYS_semctl,
        libc::SYS_semtimedop,
    ] {
        rules.push((call, vec![]));
    }
    Ok(rules)
}

/// Makes the filter that answers `clone3` with `ENOSYS`: the call takes its flags in memory, where
/// a filter cannot look, and who finds it missing falls back to `clone`.
fn missing() -> std::result::Result<BpfProgram, seccompiler::BackendError> {
    SeccompFilter::new(
        BTreeMap::from([(libc::SYS_clone3, vec![])]),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS as u32),
        arch(),
    )?
    .try_into()
}
