//! Captures from the loopback interface. Where that is not permitted, they say so and pass.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::Value;

use crate::program::{Ran, command, reenact, waited};
use crate::signals::{ended, signal};

/// Answers everything with a page, and counts.
struct Service {
    address: SocketAddr,
    answered: Arc<AtomicU64>,
}

impl Service {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let (address, answered) = (listener.local_addr().expect("it is bound"), Arc::<AtomicU64>::default());
        let count = Arc::clone(&answered);
        // Both end with the process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let count = Arc::clone(&count);
                thread::spawn(move || serve(&stream, &count));
            }
        });
        Self { address, answered }
    }
}

fn serve(stream: &TcpStream, answered: &AtomicU64) {
    let page = "all is well here. ".repeat(PAGE / 18 + 1);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {PAGE}\r\n\r\n{}", &page[..PAGE]);
    let (mut lines, mut writer) = (BufReader::new(stream).lines(), stream);
    while let Some(Ok(first)) = lines.next() {
        let closes = lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).any(|line| line == "Connection: close");
        assert!(first.starts_with("GET "), "{first}");
        answered.fetch_add(1, Ordering::SeqCst);
        if writer.write_all(answer.as_bytes()).is_err() || closes {
            return;
        }
    }
}

const PAGE: usize = 16 << 10;

/// A capture that runs, of what is said to a service.
struct Capture {
    folder: tempfile::TempDir,
    service: Service,
    child: Child,
}

impl Capture {
    /// Begins one; none where it is not permitted.
    fn start(interfaces: &[&str], options: &[&str]) -> Option<Self> {
        Self::start_by(command(), interfaces, options)
    }

    /// Begins one through a command that runs the binary.
    fn start_by(mut command: Command, interfaces: &[&str], options: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Whom root becomes has to find the way.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("it is ours");
        let service = Service::start();
        let port = service.address.port().to_string();
        let mut child = command
            .args(["capture", "-o"])
            .arg(folder.path().join("rec"))
            .args(interfaces.iter().flat_map(|name| ["-i", name]))
            .args(options)
            .args(["tcp", "port", &port])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // The recording's folder is made once the interfaces are open.
        for _ in 0..600 {
            if folder.path().join("rec/manifest.json").exists() {
                return Some(Self { folder, service, child });
            }
            if child.try_wait().expect("it is our child").is_some() {
                let ran = ended(child);
                assert!(ran.code == 2 && ran.stderr.contains("no permission"), "{}", ran.stderr);
                println!("skipped: a live capture is not permitted here");
                return None;
            }
            waited(50);
        }
        panic!("the capture does not begin");
    }

    /// Asks the service on a connection of its own.
    fn ask(&self) {
        let mut stream = TcpStream::connect(self.service.address).expect("the service listens");
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Stops it; gives what it has said and what it has recorded.
    fn stop(self) -> (Ran, Value) {
        waited(500);
        signal(&self.child, "-INT");
        let ran = ended(self.child).exits(0);
        let summary = inspected(&self.folder.path().join("rec"));
        (ran, summary)
    }
}

fn inspected(recording: &Path) -> Value {
    reenact(["inspect", recording.to_str().expect("the path is text"), "--json"]).exits(0).json()
}

#[test]
fn a_live_capture_sees_what_is_said_once() {
    for interfaces in [&["lo"][..], &["any"], &["lo", "any"]] {
        let Some(capture) = Capture::start(interfaces, &[]) else { return };
        (0..5).for_each(|_| capture.ask());
        let (_, summary) = capture.stop();
        assert_eq!((&summary["requests"], &summary["responses"], &summary["complete"]), (&5.into(), &5.into(), &5.into()), "{interfaces:?}: {summary}");
        let again = summary["retransmitted_bytes"].as_u64().expect("it is a number");
        // The kernel shows what is said on the loopback interface as it leaves and as it comes in; whoever listens at two places hears it twice.
        assert_eq!(again > 0, interfaces.len() > 1, "{interfaces:?}: {summary}");
    }
}

#[test]
fn interfaces_are_listed_and_wrong_ones_named() {
    let listed = reenact(["capture", "-D", "--json"]).exits(0).json();
    let interfaces = listed["interfaces"].as_array().expect("it is a list");
    assert!(interfaces.iter().any(|interface| interface["name"] == "lo" && interface["loopback"] == true), "{listed}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("rec");
    let output = output.to_str().expect("the path is text");
    for (arguments, named) in [
        (&["-i", "lo", "-i", "no-such-link"][..], &["no-such-link"][..]),
        (&["-i", "lo", "tcp", "prt", "80"], &["`tcp prt 80`", "pcap-filter"]),
        (&["-i", "lo", "-B", "1"], &["--buffer-size", "512"]),
        (&["-i", "lo", "-p", "--promiscuous"], &["--promiscuous"]),
    ] {
        let ran = reenact([&["capture", "-o", output], arguments].concat()).exits(2);
        assert!(named.iter().all(|name| ran.stderr.contains(name)), "{arguments:?} names {named:?}:\n{}", ran.stderr);
        assert!(!Path::new(output).exists(), "{arguments:?} leaves nothing behind");
    }
}

/// Requests on a few connections that stay open, until so many were answered.
fn load(service: &Service, requests: u64) {
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(service.address).expect("the service listens");
                let mut answer = vec![0; PAGE];
                while service.answered.load(Ordering::SeqCst) < requests {
                    stream.write_all(b"GET /page HTTP/1.1\r\nHost: pages\r\n\r\n").expect("it reads");
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        stream.read_exact(&mut byte).expect("it answers");
                        head.push(byte[0]);
                    }
                    stream.read_exact(&mut answer).expect("it answers");
                    waited(5);
                }
            });
        }
    });
}

#[test]
fn what_cannot_be_followed_is_let_go_and_counted() {
    let Some(capture) = Capture::start(&["lo"], &["--cpu-limit", "2", "--memory-limit", "128MiB"]) else { return };
    load(&capture.service, 2500);
    let asked = capture.service.answered.load(Ordering::SeqCst);
    let (_, summary) = capture.stop();
    let lost = |cause: &str| summary["lost"][cause].as_u64().unwrap_or_default();
    let recorded = summary["requests"].as_u64().expect("it is a number");
    assert!(recorded > 0 && lost("shed_request") > 0 && lost("shed_connection") > 0, "{summary}");
    if lost("kernel_drop") == 0 {
        // Every request is in the recording, or in the account.
        assert_eq!(recorded + lost("shed_request"), asked, "{summary}");
        assert_eq!(lost("gap"), 0, "{summary}");
    }
}

/// A line of what the kernel tells of a process, for all of its threads.
fn told(process: u32, field: &str) -> Vec<String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).expect("it runs").flatten();
    // A thread may end meanwhile.
    let status = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("status")).ok();
    let value = |status: String| status.lines().find_map(|line| line.strip_prefix(field)).expect("it is told").split_whitespace().collect::<Vec<_>>().join(" ");
    threads.filter_map(status).map(value).collect()
}

#[test]
fn root_becomes_nobody_once_the_interface_is_open() {
    let Some(capture) = Capture::start(&["lo"], &[]) else { return };
    if fs::metadata(capture.folder.path()).expect("it is there").uid() != 0 {
        println!("skipped: only root can become another user");
        return;
    }
    let process = capture.child.id();
    let ids = told(process, "Uid:");
    assert!(ids.len() > 2, "{ids:?}");
    assert!(ids.iter().all(|ids| !ids.split(' ').any(|id| id == "0")), "no thread is root any more: {ids:?}");
    for (field, expected) in [("CapEff:", "0000000000000000"), ("CapPrm:", "0000000000000000"), ("NoNewPrivs:", "1"), ("Groups:", "")] {
        assert!(told(process, field).iter().all(|value| value == expected), "{field} {:?}", told(process, field));
    }
    let recording = capture.folder.path().join("rec");
    let owner = fs::metadata(recording.join("manifest.json")).expect("it is there").uid();
    assert!(owner != 0 && fs::metadata(&recording).expect("it is there").uid() == owner, "what is written is that user's");
    capture.ask();
    let (_, summary) = capture.stop();
    assert_eq!((&summary["requests"], &summary["state"]), (&1.into(), &"checked".into()), "{summary}");

    // Who is root stays it if told so, and who cannot get to the folder hears of it.
    let Some(capture) = Capture::start(&["lo"], &["--user", "root"]) else { return };
    assert!(told(capture.child.id(), "Uid:").iter().all(|ids| ids.starts_with("0 0")));
    capture.stop();
    let closed = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(closed.path(), Permissions::from_mode(0o700)).expect("it is ours");
    let output = closed.path().join("rec");
    let output = output.to_str().expect("the path is text");
    for (user, named) in [("nobody", ["user nobody cannot write to", "--user"]), ("no-such-user", ["\"no-such-user\"", "UID:GID"])] {
        let ran = reenact(["capture", "-i", "lo", "-o", output, "--user", user]).exits(2);
        assert!(named.iter().all(|name| ran.stderr.contains(name)), "{user}:\n{}", ran.stderr);
    }
}

#[test]
fn an_interface_that_is_taken_away_is_noticed_beside_others() {
    let link = format!("rnt{}", std::process::id());
    let ip = |arguments: &[&str]| Command::new("ip").args(arguments).output().is_ok_and(|output| output.status.success());
    if !ip(&["link", "add", &link, "type", "dummy"]) {
        // Who may listen need not be allowed to do that.
        println!("no interface can be made here, to be taken away");
        return;
    }
    let capture = ip(&["link", "set", &link, "up"]).then(|| Capture::start(&["lo", &link], &[])).flatten();
    let sockets = |capture: &Capture| {
        let open = fs::read_dir(format!("/proc/{}/fd", capture.child.id())).expect("it runs").flatten();
        open.filter(|file| fs::read_link(file.path()).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))).count()
    };
    let before = capture.as_ref().map(sockets);
    assert!(ip(&["link", "delete", &link]));
    let Some((capture, before)) = capture.zip(before) else { return };
    (0..600).take_while(|_| sockets(&capture) == before).for_each(|_| waited(50));
    assert!(sockets(&capture) < before, "it is listened to no longer");
    capture.ask();
    waited(500);
    signal(&capture.child, "-INT");
    let ran = ended(capture.child).exits(2);
    assert!(ran.stderr.contains(&link) && ran.stderr.contains("it was taken away"), "{}", ran.stderr);
    let summary = inspected(&capture.folder.path().join("rec"));
    assert_eq!((&summary["requests"], &summary["state"]), (&1.into(), &"checked".into()), "what the others show is recorded: {summary}");
}

#[test]
fn a_live_capture_tells_how_it_is_doing() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let address = format!("127.0.0.1:{port}");
    let Some(capture) = Capture::start(&["lo"], &["--metrics", &address, "--stats", "json"]) else { return };
    (0..3).for_each(|_| capture.ask());
    let fetch = |path: &str| {
        let mut stream = TcpStream::connect(&address).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    };
    let mut metrics = String::new();
    for _ in 0..200 {
        metrics = fetch("/metrics");
        if metrics.contains("\nreenact_capture_exchanges_total 3\n") {
            break;
        }
        waited(100);
    }
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("\nreenact_capture_exchanges_total 3\n"), "{metrics}");
    assert!(metrics.contains("\nreenact_capture_followed_ratio 1\n") && metrics.contains("\nprocess_resident_memory_bytes "), "{metrics}");
    assert!(fetch("/").starts_with("HTTP/1.1 404"), "nothing else is there");
    let (ran, _) = capture.stop();
    let lines: Vec<Value> = ran.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let last = lines.last().expect("a line each second");
    assert_eq!((&last["exchanges"], &last["kernel_drops"], &last["shed"]["followed"]), (&3.into(), &0.into(), &1.0.into()), "{last}");
    assert!(last["packets"].as_u64() > Some(10), "{lines:?}");
}

#[test]
fn one_capability_is_enough_to_open_an_interface() {
    let is_root = fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0);
    if !is_root || Command::new("setpriv").arg("--version").output().is_err() {
        println!("skipped: only root can give some of its capabilities, with setpriv");
        return;
    }
    let all = ["--clear-groups", "--no-new-privs"];
    for (capabilities, options) in [
        // As a unit of systemd or a binary with `setcap cap_net_raw=ep` would have it.
        (
            &["--reuid", "65534", "--regid", "65534", "--inh-caps", "-all,+net_raw", "--ambient-caps", "+net_raw", "--bounding-set", "-all,+net_raw"][..],
            &[][..],
        ),
        // As a container would that becomes another user.
        (&["--bounding-set", "-all,+net_raw,+chown,+setuid,+setgid", "--inh-caps", "-all"], &["--user", "65534:65534"]),
    ] {
        let mut command = Command::new("setpriv");
        command.args(all).args(capabilities).arg(env!("CARGO_BIN_EXE_reenact")).env_remove("REENACT_KEY").stdin(Stdio::null());
        let Some(capture) = Capture::start_by(command, &["lo"], options) else { panic!("it is permitted: {capabilities:?}") };
        for field in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
            let told = told(capture.child.id(), field);
            assert!(told.iter().all(|set| set == "0000000000000000"), "{capabilities:?}: {field} {told:?}");
        }
        capture.ask();
        let (_, summary) = capture.stop();
        assert_eq!(summary["requests"], 1, "{summary}");
    }
}
