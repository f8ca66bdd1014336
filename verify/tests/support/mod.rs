//! Database servers of a test's own: in a temporary folder, on a free port, gone when the test is.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server that runs.
pub(crate) struct Server {
    process: Child,
    stop_signal: &'static str,
    url: String,
    _folder: tempfile::TempDir,
}

impl Server {
    /// The address of its empty database.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").args([self.stop_signal, &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

/// A PostgreSQL server, or why there is none.
pub(crate) fn postgres() -> Result<Server, String> {
    let binaries = find("postgres", &["/usr/lib/postgresql/*/bin"])?;
    let folder = folder()?;
    let data = folder.path().join("data");
    let shown = data.display();
    run(Command::new(binaries.join("initdb")).args(["-U", "app", "--auth=trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"]).arg(&data), folder.path())?;
    let port = free_port()?;
    let process = start(
        Command::new(binaries.join("postgres")).arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(folder.path()).args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "fsync=off",
        ]),
        folder.path(),
        port,
    )
    .map_err(|why| format!("{why} (data in {shown})"))?;
    // SIGINT: disconnect everyone and go.
    Ok(Server { process, stop_signal: "-INT", url: format!("postgres://app@127.0.0.1:{port}/postgres"), _folder: folder })
}

/// A MariaDB server, or why there is none.
pub(crate) fn mariadb() -> Result<Server, String> {
    let binaries = find("mariadbd", &["/usr/sbin", "/usr/bin"])?;
    let installer = find("mariadb-install-db", &["/usr/bin"])?.join("mariadb-install-db");
    let client = find("mariadb", &["/usr/bin"])?.join("mariadb");
    let folder = folder()?;
    let data = folder.path().join("data");
    let option = |name: &str, value: &Path| format!("--{name}={}", value.display());
    run(
        Command::new(installer).args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]).arg(option("datadir", &data)),
        folder.path(),
    )?;
    let port = free_port()?;
    let process = start(
        Command::new(binaries.join("mariadbd"))
            .args(["--no-defaults", "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0"])
            .arg(format!("--port={port}"))
            .arg(option("datadir", &data))
            .arg(option("socket", &folder.path().join("s.sock")))
            .arg(option("pid-file", &folder.path().join("pid"))),
        folder.path(),
        port,
    )?;
    let server = Server { process, stop_signal: "-TERM", url: format!("mysql://root@127.0.0.1:{port}/app"), _folder: folder };
    run(
        Command::new(client).args([
            "--no-defaults",
            "-h",
            "127.0.0.1",
            "-u",
            "root",
            "-e",
            "create database app character set utf8mb4",
            "-P",
            &port.to_string(),
        ]),
        server._folder.path(),
    )?;
    Ok(server)
}

/// The first of `folders` (a `*` stands for one component; the last match counts) that holds `program`.
fn find(program: &str, folders: &[&str]) -> Result<PathBuf, String> {
    for folder in folders {
        let candidates: Vec<PathBuf> = match folder.split_once('*') {
            Some((before, after)) => {
                let mut found: Vec<_> =
                    std::fs::read_dir(before).into_iter().flatten().flatten().map(|entry| entry.path().join(after.trim_start_matches('/'))).collect();
                found.sort();
                found.into_iter().rev().collect()
            }
            None => vec![PathBuf::from(folder)],
        };
        if let Some(folder) = candidates.into_iter().find(|folder| folder.join(program).is_file()) {
            return Ok(folder);
        }
    }
    Err(format!("{program} is not installed (looked in {})", folders.join(", ")))
}

/// A temporary folder that the server's user owns.
fn folder() -> Result<tempfile::TempDir, String> {
    // Under /tmp whatever TMPDIR says: a socket's path is bounded, and the server's user must get in.
    let folder = tempfile::Builder::new().prefix("reenact-test-").tempdir_in("/tmp").map_err(|error| error.to_string())?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).map_err(|error| error.to_string())?;
    if is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOGROUP)).map_err(|error| error.to_string())?;
    }
    Ok(folder)
}

/// The servers refuse to run as root.
fn unprivileged(command: &mut Command) -> &mut Command {
    if is_root() { command.uid(NOBODY).gid(NOGROUP) } else { command }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

fn run(command: &mut Command, folder: &Path) -> Result<(), String> {
    let mut said = String::new();
    // An installer that was disturbed by a busy machine gets another chance.
    for _ in 0..3 {
        let output =
            unprivileged(command).current_dir(folder).env("HOME", folder).stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    Err(format!("{command:?}: {said}"))
}

/// Starts a server and waits until it takes connections.
fn start(command: &mut Command, folder: &Path, port: u16) -> Result<Child, String> {
    let log_path = folder.join("log");
    let log = File::create(&log_path).map_err(|error| error.to_string())?;
    let errors = log.try_clone().map_err(|error| error.to_string())?;
    let mut process = unprivileged(command)
        .current_dir(folder)
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .map_err(|error| error.to_string())?;
    let log = || std::fs::read_to_string(&log_path).unwrap_or_default();
    for _ in 0..600 {
        if process.try_wait().map_err(|error| error.to_string())?.is_some() {
            return Err(format!("{command:?} ended: {}", log()));
        }
        let ready = log().contains("ready to accept connections") || log().contains("ready for connections");
        if ready && TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok() {
            return Ok(process);
        }
        wait();
    }
    let _ = process.kill();
    let _ = process.wait();
    Err(format!("{command:?} was not ready in time: {}", log()))
}

fn free_port() -> Result<u16, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).map(|address| address.port()).map_err(|error| error.to_string())
}

#[expect(clippy::disallowed_methods, reason = "a server tells nobody when it is up")]
fn wait() {
    std::thread::sleep(Duration::from_millis(50));
}

const NOBODY: u32 = 65534;
const NOGROUP: u32 = 65534;
