//! Database servers for one test: in a temporary folder, on a free port, gone when dropped.
//!
//! Both servers refuse to run as root, so as root they are started as `nobody`. A server that is not installed makes the test
//! report itself as skipped.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, MySqlConnection, PgConnection, raw_sql};
use tempfile::TempDir;

/// The user and group `nobody`/`nogroup` of Debian.
const NOBODY: u32 = 65534;

/// A running server.
pub(crate) struct Server {
    process: Child,
    folder: TempDir,
    admin: String,
    base: String,
}

impl Server {
    /// A new, empty database; its URL.
    pub(crate) async fn database(&self, name: &str) -> String {
        let url = format!("{}/{name}", self.base);
        self.execute(&format!("create database {name}")).await.expect("the database is made");
        url
    }

    /// Runs a statement as the administrator.
    async fn execute(&self, sql: &str) -> Result<(), sqlx::Error> {
        let statement = raw_sql(AssertSqlSafe(sql.to_owned()));
        if self.base.starts_with("postgres") {
            statement.execute(&mut PgConnection::connect(&self.admin).await?).await?;
        } else {
            statement.execute(&mut MySqlConnection::connect(&self.admin).await?).await?;
        }
        Ok(())
    }

    /// Starts PostgreSQL, or says why not.
    pub(crate) async fn postgres() -> Option<Self> {
        let (Some(initdb), Some(postgres)) = (find("initdb"), find("postgres")) else {
            return skipped("PostgreSQL is not installed");
        };
        let folder = folder();
        let data = folder.path().join("data");
        prepare(&folder, Command::new(initdb).arg("-D").arg(&data).args(["-U", "app", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]));
        let port = free_port();
        let mut server = Command::new(postgres);
        server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k"]).arg(folder.path());
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        let base = format!("postgres://app@127.0.0.1:{port}");
        Some(Self::start(server, folder, format!("{base}/postgres"), base).await)
    }

    /// Starts MariaDB, or says why not.
    pub(crate) async fn mariadb() -> Option<Self> {
        let (Some(install), Some(mariadbd)) = (find("mariadb-install-db"), find("mariadbd")) else {
            return skipped("MariaDB is not installed");
        };
        let folder = folder();
        let data = folder.path().join("data");
        let data_argument = format!("--datadir={}", data.display());
        let mut install = Command::new(install);
        prepare(&folder, install.args(["--no-defaults", &data_argument, "--auth-root-authentication-method=normal", "--skip-test-db"]));
        let port = free_port();
        let mut server = Command::new(mariadbd);
        server.args(["--no-defaults", &data_argument, "--bind-address=127.0.0.1", &format!("--port={port}")]);
        server.arg(format!("--socket={}/socket", folder.path().display())).arg(format!("--pid-file={}/pid", folder.path().display()));
        let base = format!("mysql://root@127.0.0.1:{port}");
        Some(Self::start(server, folder, format!("{base}/mysql"), base).await)
    }

    async fn start(mut command: Command, folder: TempDir, admin: String, base: String) -> Self {
        let log = File::create(folder.path().join("log")).expect("the folder is ours");
        let errors = log.try_clone().expect("a descriptor is free");
        let process = unprivileged(&mut command).current_dir(folder.path()).stdin(Stdio::null()).stdout(log).stderr(errors).spawn().expect("the server starts");
        let mut server = Self { process, folder, admin, base };
        for _ in 0..600 {
            if server.execute("select 1").await.is_ok() {
                return server;
            }
            if server.process.try_wait().expect("it is our child").is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the server does not answer:\n{}", fs::read_to_string(server.folder.path().join("log")).unwrap_or_default());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // PostgreSQL's fast, MariaDB's ordinary shutdown.
        let signal = if self.base.starts_with("postgres") { "-INT" } else { "-TERM" };
        let _ = Command::new("kill").args([signal, &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

/// Says that this test cannot run here; `.ci/run` takes that for a failure.
fn skipped<T>(why: &str) -> Option<T> {
    println!("skipped: {why}");
    None
}

/// The program called `name`: Debian keeps PostgreSQL's out of `PATH`, and a user's `PATH` may lack `/usr/sbin`.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/bin".into()]).collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// A temporary folder that the server's user owns.
fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("reenact-server-").tempdir().expect("a temporary folder");
    if is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("root may");
    }
    folder
}

fn prepare(folder: &TempDir, command: &mut Command) {
    let mut said = String::new();
    // An installer that was disturbed by a busy machine gets another chance.
    for _ in 0..3 {
        let output = unprivileged(command).current_dir(folder.path()).stdin(Stdio::null()).output().expect("the program starts");
        if output.status.success() {
            return;
        }
        said = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    panic!("{command:?}: {said}");
}

fn unprivileged(command: &mut Command) -> &mut Command {
    if is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

/// Whether this process is root's: its entry in `/proc` belongs to its user.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port is free").port()
}
