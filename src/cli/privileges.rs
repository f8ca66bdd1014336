//! What the process gives up once it needs it no longer.
//!
//! In: who it is to be, and the folder that it will write to. Out: a process that is that user, has no capabilities, and can get none. What
//! never happens here: a privilege is given up on one thread and kept on another; so this comes before any other thread begins.

use std::path::Path;

#[cfg(target_os = "linux")]
use anyhow::Context;

use super::InvalidArgument;

/// No program that is started from here on gets more privileges than this process has.
#[cfg(target_os = "linux")]
pub(crate) fn forbid_new() -> anyhow::Result<()> {
    Ok(rustix::thread::set_no_new_privs(true)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn forbid_new() -> anyhow::Result<()> {
    Ok(())
}

/// Gives up what opening an interface has needed: root becomes `user` (by default [`NOBODY`]), to whom an empty `output` is given first; anyone
/// else drops the capabilities that the binary may carry.
#[cfg(target_os = "linux")]
pub(crate) fn give_up(user: Option<&str>, output: Option<&Path>) -> anyhow::Result<()> {
    use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_thread_groups, set_thread_res_gid, set_thread_res_uid};

    let threads = std::fs::read_dir("/proc/self/task").context("privileges cannot be given up: the threads cannot be counted")?.count();
    anyhow::ensure!(threads == 1, "privileges cannot be given up: there are {threads} threads already");
    if rustix::process::geteuid().is_root() {
        let name = user.unwrap_or(NOBODY);
        let user = User::find(name, &std::fs::read_to_string(PASSWD).unwrap_or_default())?;
        if user.uid.is_root() {
            return Ok(());
        }
        if let Some(output) = output {
            give(output, &user)?;
        }
        set_thread_groups(&[])?;
        set_thread_res_gid(user.gid, user.gid, user.gid)?;
        set_thread_res_uid(user.uid, user.uid, user.uid)?;
        anyhow::ensure!(set_thread_res_uid(rustix::process::Uid::ROOT, None, None).is_err(), "root was given up, and can be had again");
        // Whoever changes its user may be dumped again, where the system is set so.
        super::forbid_core_dumps();
        if let Some(output) = output
            && rustix::fs::access(output, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err()
        {
            let what = format!("user {name} cannot write to {}", output.display());
            return Err(InvalidArgument::new(
                what,
                "a folder on the way to it is closed to that user: choose another place, or another --user (root stays root)",
            )
            .into());
        }
    } else if let Some(user) = user {
        return Err(InvalidArgument::new(format!("cannot become user {user}"), "only root can: leave out --user").into());
    }
    let none = CapabilitySet::empty();
    Ok(set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn give_up(user: Option<&str>, _: Option<&Path>) -> anyhow::Result<()> {
    match user {
        Some(user) => Err(InvalidArgument::new(format!("cannot become user {user}"), "that is known on Linux only: leave out --user").into()),
        None => Ok(()),
    }
}

/// Makes the folder if it is not there, and gives it to `user` if nothing is in it and nobody else has it. What is looked at and what is given
/// away is one handle: who may rename on the way to it cannot have a folder given away that is full, or another's.
#[cfg(target_os = "linux")]
fn give(output: &Path, user: &User) -> anyhow::Result<()> {
    use std::os::fd::AsRawFd;

    use reenact_formats::disk;
    use reenact_formats::disk::publish::Folder;
    use rustix::fs::{Mode, OFlags, fchown, fstat, open};

    Folder::create(output)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let cannot = || format!("cannot open {}", output.display());
    let folder = open(output, flags, Mode::empty()).with_context(cannot)?;
    if std::fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd())).with_context(cannot)?.next().is_some() {
        return Err(disk::Error::OutputNotEmpty { path: output.to_owned() }.into());
    }
    let owner = fstat(&folder).with_context(cannot)?.st_uid;
    if owner != 0 && owner != user.uid.as_raw() {
        let what = format!("{} belongs to another user, and would be given away", output.display());
        return Err(InvalidArgument::new(what, "name a folder that does not exist yet, or its owner: --user UID:GID").into());
    }
    fchown(&folder, Some(user.uid), Some(user.gid)).with_context(|| format!("cannot give {} to another user", output.display()))
}

#[cfg(target_os = "linux")]
#[derive(Debug, PartialEq, Eq)]
struct User {
    uid: rustix::process::Uid,
    gid: rustix::process::Gid,
}

#[cfg(target_os = "linux")]
impl User {
    /// One that is called `name` in the lines of `/etc/passwd`, or is written as numbers: UID or UID:GID.
    fn find(name: &str, passwd: &str) -> Result<Self, InvalidArgument> {
        let (uid, gid) = name.split_once(':').unwrap_or((name, name));
        let numbers = uid.parse().ok().zip(gid.parse().ok());
        let line = || passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields.first() == Some(&name));
        let named = || line().and_then(|fields| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)));
        match numbers.or_else(named) {
            // The highest number means no one in some system calls.
            Some((uid, gid)) if uid != u32::MAX && gid != u32::MAX => {
                Ok(Self { uid: rustix::process::Uid::from_raw(uid), gid: rustix::process::Gid::from_raw(gid) })
            }
            _ => Err(InvalidArgument::new(format!("no user {name:?} in {PASSWD}"), "name one that is there, or give numbers: --user UID:GID")),
        }
    }
}

/// Who owns nothing.
#[cfg(target_os = "linux")]
const NOBODY: &str = "nobody";
#[cfg(target_os = "linux")]
const PASSWD: &str = "/etc/passwd";

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_and_by_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\nbroken:x:one:two\n";
        for (name, expected) in [
            ("nobody", Some((65534, 65533))),
            ("root", Some((0, 0))),
            ("1000", Some((1000, 1000))),
            ("1000:7", Some((1000, 7))),
            ("broken", None),
            ("somebody", None),
            ("", None),
            ("-1", None),
            ("4294967295", None),
            ("nobody:x", None),
        ] {
            let found = User::find(name, passwd).ok().map(|user| (user.uid.as_raw(), user.gid.as_raw()));
            assert_eq!(found, expected, "{name:?}");
        }
    }

    #[test]
    fn a_folder_is_given_only_if_it_is_empty_and_nobody_elses() {
        use std::os::unix::fs::{MetadataExt, chown, symlink};

        use rustix::process::{Gid, Uid};

        if !rustix::process::geteuid().is_root() {
            return;
        }
        let place = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| place.path().join(name);
        ["full/x", "other", "linked"].into_iter().for_each(|name| std::fs::create_dir_all(path(name)).expect("it is ours"));
        chown(path("other"), Some(7), Some(7)).expect("root may");
        symlink(path("linked"), path("link")).expect("it is ours");
        let user = User { uid: Uid::from_raw(1234), gid: Gid::from_raw(1235) };
        for (name, owner) in [("full", None), ("other", None), ("new", Some(1234)), ("link", Some(1234)), ("link", Some(1234))] {
            let given = give(&path(name), &user).ok().map(|()| std::fs::metadata(path(name)).expect("it is there").uid());
            assert_eq!(given, owner, "{name}");
        }
    }
}
