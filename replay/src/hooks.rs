//! Commands that run beside the requests: a migration, a restart, a fault.
//!
//! In: when, and what. Out: an event of the timeline. Requests go on meanwhile. The command's own output goes to standard
//! error, where the operator reads; nothing of it is kept. A hook is a process group: when it has to end, all of it does.

use std::fmt;
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use reenact_formats::disk::run::EventResult;
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::Error;

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum At {
    /// After this share (0 to 1) of the time from the first due request to the last.
    Share(f64),
    /// So long after the start.
    Time(Duration),
}

impl At {
    /// How long after the start of a run whose due times span `schedule`.
    pub fn offset(self, schedule: Duration) -> Duration {
        match self {
            Self::Share(share) => schedule.mul_f64(share.clamp(0.0, 1.0)),
            Self::Time(time) => time,
        }
    }
}

impl FromStr for At {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || Error::HookTime { text: text.to_owned() };
        let number = |digits: &str| digits.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0).ok_or_else(wrong);
        if let Some(digits) = text.strip_suffix('%') {
            return number(digits).map(|percent| percent / 100.0).and_then(|share| if share <= 1.0 { Ok(Self::Share(share)) } else { Err(wrong()) });
        }
        let (mut rest, mut seconds) = (text, 0.0);
        while !rest.is_empty() {
            let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.').filter(|at| *at > 0).ok_or_else(wrong)?;
            let unit = rest[digits..].find(|char: char| char.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
            let factor = match &rest[digits..unit] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return Err(wrong()),
            };
            seconds += number(&rest[..digits])? * factor;
            rest = &rest[unit..];
        }
        if text.is_empty() {
            return Err(wrong());
        }
        Duration::try_from_secs_f64(seconds).map(Self::Time).map_err(|_| wrong())
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => write!(f, "{}%", share * 100.0),
            Self::Time(time) => write!(f, "{}s", time.as_secs_f64()),
        }
    }
}

/// A command, and when it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// When.
    pub at: At,
    /// What, in the words of a shell.
    pub command: String,
}

/// When a hook is ended that does not end by itself.
pub(crate) struct Bounds {
    /// After so long.
    pub(crate) limit: Duration,
    /// When this says so.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Runs `command` in a shell to its end, or to its bounds; then nothing that it started is left. Dropped before, it is killed.
pub(crate) async fn execute(command: &str, name: &str, environment: Vec<(&'static str, String)>, mut bounds: Bounds) -> EventResult {
    let started = Command::new("sh")
        .arg("-c")
        .arg(command)
        .env("REENACT_HOOK", name)
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .process_group(0)
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => return EventResult::Failed(format!("could not be started: {}", error.kind())),
    };
    let group = Group::of(&child);
    let why = tokio::select! {
        status = child.wait() => {
            // What it left in the background is meant to stay: a service that it restarted, say.
            group.release();
            return match status.map(|status| status.code()) {
                Ok(Some(code)) => EventResult::Exited(code),
                Ok(None) => EventResult::Failed("ended by a signal".to_owned()),
                Err(error) => EventResult::Failed(format!("could not be waited for: {}", error.kind())),
            };
        }
        () = tokio::time::sleep(bounds.limit) => format!("timed out after {}s, and was ended", bounds.limit.as_secs_f64()),
        _ = bounds.stop.wait_for(|stop| *stop) => "was still running when the run was stopped, and was ended".to_owned(),
    };
    group.end(&mut child).await;
    EventResult::Failed(why)
}

/// The processes of a hook: its shell, and all that it started and that did not leave the group. Dropped, they are killed.
struct Group(Option<Pid>);

impl Group {
    /// Of a child that leads a group of its own.
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// They are left alone.
    fn release(mut self) {
        self.0 = None;
    }

    /// Asks them to end, and kills those that do not.
    async fn end(self, child: &mut Child) {
        let Some(group) = self.0 else { return };
        // It fails if all have ended, which is what is wanted.
        let _ = kill_process_group(group, Signal::TERM);
        let _ = timeout(GRACE, async {
            let _ = child.wait().await;
            while test_kill_process_group(group).is_ok() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        })
        .await;
        drop(self);
        let _ = timeout(GRACE, child.wait()).await;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// A hook that is told to end gets so long.
const GRACE: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times() {
        let schedule = Duration::from_secs(200);
        for (text, millis) in
            [("50%", 100_000), ("0%", 0), ("100%", 200_000), ("12.5%", 25_000), ("10s", 10_000), ("500ms", 500), ("1m30s", 90_000), ("0.5h", 1_800_000)]
        {
            assert_eq!(text.parse::<At>().expect(text).offset(schedule), Duration::from_millis(millis), "{text}");
        }
        for text in ["", "%", "101%", "-1%", "10", "s", "10x", "1m30", "nan%", "infs"] {
            assert!(matches!(text.parse::<At>(), Err(Error::HookTime { .. })), "{text}");
        }
    }

    fn bounded(seconds: f64) -> (watch::Sender<bool>, Bounds) {
        let (stop, stopped) = watch::channel(false);
        (stop, Bounds { limit: Duration::from_secs_f64(seconds), stop: stopped })
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
    }

    #[test]
    fn a_command_ends_with_its_code() {
        runtime().block_on(async {
            for (command, expected) in [("test $REENACT_HOOK = h1 && test $X = y", EventResult::Exited(0)), ("exit 3", EventResult::Exited(3))] {
                let (_stop, bounds) = bounded(60.0);
                assert_eq!(execute(command, "h1", vec![("X", "y".to_owned())], bounds).await, expected);
            }
            let (_stop, bounds) = bounded(60.0);
            assert!(matches!(execute("kill -9 $$", "h", Vec::new(), bounds).await, EventResult::Failed(_)));
        });
    }

    #[test]
    fn nothing_is_left_of_a_command_that_has_to_end() {
        // The group is told by the file that its shell writes; the last one ignores what asks it to end.
        for command in ["sleep 444; echo done", "sleep 444 & sleep 444 & wait", "(trap '' TERM; sleep 444; sleep 444) & trap '' TERM; sleep 444; sleep 444"] {
            for ends in ["limit", "stop", "drop"] {
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join("group");
                let command = format!("echo $$ > {}.new; mv {0}.new {0}; {command}", file.display());
                let group = runtime().block_on(async {
                    let (stop, bounds) = bounded(if ends == "limit" { 0.5 } else { 60.0 });
                    let running = tokio::spawn(async move { execute(&command, "h", Vec::new(), bounds).await });
                    while !file.exists() {
                        tokio::time::sleep(LOOK_EVERY).await;
                    }
                    let group = std::fs::read_to_string(&file).unwrap().trim().parse().ok().and_then(Pid::from_raw).unwrap();
                    test_kill_process_group(group).expect("it runs");
                    if ends == "drop" {
                        running.abort();
                        assert!(running.await.is_err());
                        return group;
                    }
                    stop.send_replace(ends == "stop");
                    let why = if ends == "limit" { "timed out after 0.5s" } else { "run was stopped" };
                    assert!(matches!(running.await.unwrap(), EventResult::Failed(text) if text.contains(why)));
                    group
                });
                let left = runtime().block_on(living_after_a_while(group));
                assert!(left.is_empty(), "{ends}: {left:?}");
            }
        }
    }

    /// What is still running of a group that was killed, once it has had time to die: a signal takes effect when its process runs.
    async fn living_after_a_while(group: Pid) -> Vec<String> {
        for _ in 0..500 {
            if living(group).is_empty() {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        living(group)
    }

    /// The processes of a group that run; those that were killed and not yet waited for do not.
    fn living(group: Pid) -> Vec<String> {
        let group = group.as_raw_nonzero().to_string();
        let of_group = |stat: &String| {
            let mut fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
            let (state, _parent, of) = (fields.next(), fields.next(), fields.next());
            of == Some(&group) && !matches!(state, Some("Z" | "X"))
        };
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok()).filter(of_group).collect()
    }
}
