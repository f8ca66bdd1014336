//! Commands that run beside the requests: a migration, a restart, a fault.
//!
//! In: when, and what. Out: an event of the timeline. Requests go on meanwhile. The command's own output goes to standard
//! error, where the operator reads; nothing of it is kept.

use std::fmt;
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use reenact_formats::disk::run::EventResult;
use tokio::process::Command;

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

/// Runs `command` in a shell to its end. Dropped before, it is killed.
pub(crate) async fn execute(command: &str, name: &str, environment: Vec<(&'static str, String)>) -> EventResult {
    let child = Command::new("sh")
        .arg("-c")
        .arg(command)
        .env("REENACT_HOOK", name)
        .envs(environment)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .kill_on_drop(true)
        .status()
        .await;
    match child {
        Ok(status) => match status.code() {
            Some(code) => EventResult::Exited(code),
            None => EventResult::Failed("ended by a signal".to_owned()),
        },
        Err(error) => EventResult::Failed(format!("could not be started: {}", error.kind())),
    }
}

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

    #[test]
    fn a_command_ends_with_its_code() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for (command, expected) in [("test $REENACT_HOOK = h1 && test $X = y", EventResult::Exited(0)), ("exit 3", EventResult::Exited(3))] {
                assert_eq!(execute(command, "h1", vec![("X", "y".to_owned())]).await, expected);
            }
            assert!(matches!(execute("kill -9 $$", "h", Vec::new()).await, EventResult::Failed(_)));
        });
    }
}
