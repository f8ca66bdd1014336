//! Databases in temporary folders, on free ports, as a user without rights, gone with the test.

use std::{
    net::{TcpListener, TcpStream},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use sqlx::Connection as _;

/// The databases that the service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
}

/// A running database of its own.
pub(crate) struct Server {
    process: Option<Child>,
    pub(crate) url: String,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Starts one, or tells which program is missing.
    pub(crate) async fn start(kind: Kind) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        if is_root() {
            std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (process, url) = match kind {
            Kind::Sqlite => (None, format!("sqlite:{}", path.join("orders.db").display())),
            Kind::Postgres => (Some(postgres(&path, port)?), format!("postgres://app@127.0.0.1:{port}/postgres")),
            Kind::MariaDb => (Some(mariadb(&path, port)?), format!("mysql://root@127.0.0.1:{port}/orders")),
        };
        let server = Server { process, url, _folder: folder };
        if server.process.is_some() {
            server.ready(kind, port).await;
        }
        Ok(server)
    }

    /// Runs a statement beside the service.
    pub(crate) async fn execute(&self, sql: &'static str) {
        match self.url.split(':').next().unwrap() {
            "sqlite" => sqlx::query(sql).execute(&mut sqlx::SqliteConnection::connect(&self.url).await.unwrap()).await.map(drop).unwrap(),
            "postgres" => sqlx::query(sql).execute(&mut sqlx::PgConnection::connect(&self.url).await.unwrap()).await.map(drop).unwrap(),
            _ => sqlx::query(sql).execute(&mut sqlx::MySqlConnection::connect(&self.url).await.unwrap()).await.map(drop).unwrap(),
        }
    }

    async fn ready(&self, kind: Kind, port: u16) {
        for _ in 0..600 {
            let up = match kind {
                Kind::MariaDb if TcpStream::connect(("127.0.0.1", port)).is_ok() => {
                    // A fresh server has no database of ours yet.
                    let url = format!("mysql://root@127.0.0.1:{port}/mysql");
                    match sqlx::MySqlConnection::connect(&url).await {
                        Ok(mut connection) => sqlx::query("create database if not exists orders").execute(&mut connection).await.is_ok(),
                        Err(_) => false,
                    }
                }
                Kind::Postgres => sqlx::PgConnection::connect(&self.url).await.is_ok(),
                _ => false,
            };
            if up {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{kind:?} did not come up");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // SIGINT: PostgreSQL closes its sessions and leaves; MariaDB does not mind either.
            let signal = Command::new("kill").args(["-INT", &process.id().to_string()]).status();
            if signal.is_err() || !self.url.starts_with("postgres") {
                let _ = process.kill();
            }
            let _ = process.wait();
        }
    }
}

fn postgres(folder: &Path, port: u16) -> Result<Child, String> {
    let (initdb, postgres) = (program("initdb")?, program("postgres")?);
    let data = folder.join("data");
    let mut command = unprivileged(&initdb, folder);
    finish(command.args(["-U", "app", "--auth=trust", "-E", "UTF8", "--no-sync", "-D"]).arg(&data))?;
    let mut command = unprivileged(&postgres, folder);
    command.arg("-D").arg(&data).arg("-k").arg(folder).args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
    command.spawn().map_err(|error| format!("postgres: {error}"))
}

fn mariadb(folder: &Path, port: u16) -> Result<Child, String> {
    let (install, server) = (program("mariadb-install-db")?, program("mariadbd")?);
    let data = format!("--datadir={}", folder.join("data").display());
    let mut command = unprivileged(&install, folder);
    finish(command.args(["--no-defaults", &data, "--auth-root-authentication-method=normal", "--skip-test-db"]))?;
    let mut command = unprivileged(&server, folder);
    let socket = format!("--socket={}", folder.join("s").display());
    let pid = format!("--pid-file={}", folder.join("pid").display());
    command.args(["--no-defaults", &data, &socket, &pid, "--bind-address=127.0.0.1", &format!("--port={port}"), "--innodb-flush-log-at-trx-commit=0"]);
    command.spawn().map_err(|error| format!("mariadbd: {error}"))
}

/// Where Debian puts servers that are not on everybody's path.
fn program(name: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).chain(["/usr/sbin".into()]).collect();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.into_iter().map(|folder| folder.join(name)).find(|file| file.exists()).ok_or_else(|| format!("{name} is not installed"))
}

/// Databases refuse to run as root.
fn unprivileged(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env("HOME", folder);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Runs `command` to its end. An installer that was disturbed by a busy machine gets another chance.
fn finish(command: &mut Command) -> Result<(), String> {
    let mut said = String::new();
    for _ in 0..3 {
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        said = format!("{}\n{}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    panic!("{command:?}: {said}")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

const NOBODY: u32 = 65534;
