//! A process that crashes writes nothing of its memory.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::program::waited;

/// Starts a program in a folder, with core dumps allowed as far as this process may.
fn started(folder: &Path, program: &[&str]) -> Child {
    let script = r#"ulimit -c "$(ulimit -H -c)"; exec "$@""#;
    Command::new("sh").args(["-c", script, "sh"]).args(program).current_dir(folder).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts")
}

fn crashed(child: &mut Child, signal: &str) -> ExitStatus {
    // The first SIGSEGV is taken for a stack that has overflown, and passed over if it has not.
    for _ in 0..2 {
        Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status().expect("kill runs");
        waited(50);
    }
    child.wait().expect("it ends")
}

#[test]
fn a_crash_leaves_no_core_dump() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let control = crashed(&mut started(folder.path(), &["sleep", "60"]), "-SEGV");
    assert_eq!(control.signal(), Some(11));
    for (signal, number) in [("-SEGV", 11), ("-ABRT", 6)] {
        let output = format!("rec{number}");
        // It waits for packets that never come.
        let mut child = started(folder.path(), &[env!("CARGO_BIN_EXE_reenact"), "capture", "-r", "-", "-o", &output, "--danger-raw"]);
        let limits = format!("/proc/{}/limits", child.id());
        let is_forbidden = |limits: &str| {
            let text = fs::read_to_string(limits).unwrap_or_default();
            text.lines().any(|line| line.starts_with("Max core file size") && line.split_whitespace().filter(|word| *word == "0").count() == 2)
        };
        for _ in 0..200 {
            if is_forbidden(&limits) {
                break;
            }
            waited(50);
        }
        assert!(is_forbidden(&limits), "{}", fs::read_to_string(&limits).unwrap_or_default());
        let status = crashed(&mut child, signal);
        assert_eq!((status.signal(), status.core_dumped()), (Some(number), false));
    }
    let cores: Vec<_> = fs::read_dir(folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name.to_string_lossy().starts_with("core"))
        .collect();
    assert!(cores.len() <= usize::from(control.core_dumped()), "{cores:?}");
}
