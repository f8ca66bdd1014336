use std::time::Duration;

use reenact_formats::disk::run::{EndReason, EventResult, RecordingRef, Run};
use reenact_formats::model::{Completeness, DropReason, Exchange, Failure, Outcome, Reply};
use reenact_formats::seam::{Blame, Explain};

use super::*;
use crate::testing::{Act, Blank, Server, exchange, ok, script};
use crate::{At, Hook, PlanOptions, Targets};

fn options(server: &Server) -> RunOptions {
    RunOptions {
        timeout: Duration::from_secs(5),
        ..RunOptions::new(RecordingRef { path: "here".into(), digest: "00".into(), expires: None }, Targets::all(server.url()))
    }
}

fn play(exchanges: Vec<Exchange>, options: &RunOptions, control: Control) -> Result<(Vec<Outcome>, RunSummary), Error> {
    let plan = Plan::build(exchanges.into_iter().map(Ok), &options.plan)?;
    let root = tempfile::tempdir().unwrap();
    let output = root.path().join("run");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(run(plan, options, Box::new(Blank), &output, control));
    assert_eq!(result.is_ok(), output.exists(), "a refused run leaves nothing behind");
    let summary = result?;
    let written = Run::open(&output).unwrap();
    written.verify_digests().unwrap();
    let end = written.end().unwrap();
    assert_eq!((end.reason, &end.timeline), (summary.reason, &summary.timeline));
    let mut outcomes: Vec<_> = written.outcomes().map(Result::unwrap).collect();
    outcomes.sort_by_key(|outcome| outcome.exchange);
    assert_eq!(outcomes.len() as u64, summary.outcomes);
    assert_eq!(written.header().planned, summary.outcomes, "every planned exchange has its outcome");
    Ok((outcomes, summary))
}

fn word(outcome: &Outcome) -> String {
    match &outcome.reply {
        Reply::Answered { status, .. } => status.to_string(),
        Reply::Failed(failure) => failure.word().to_owned(),
    }
}

fn words(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().map(word).collect()
}

#[test]
fn requests_stand_on_the_wire_as_they_were_recorded() {
    let server = Server::start(true, |_, _| ok("{\"a\":1}"));
    let lines = [(1, "GET /a?b=%20c\nX-odd:  Two  spaces\nx-ODD: again", "200"), (1, "PUT http://recorded.example/d\n\n{}", "201"), (2, "GET /e", "200")];
    let (outcomes, summary) = play(script(&lines), &options(&server), Control::default()).unwrap();
    let host = server.address;
    let expected = [
        vec![
            format!("GET /a?b=%20c HTTP/1.1\r\nHost: {host}\r\nX-odd:  Two  spaces\r\nx-ODD: again\r\n\r\n"),
            format!("PUT http://{host}/d HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"),
        ],
        vec![format!("GET /e HTTP/1.1\r\nHost: {host}\r\n\r\n")],
    ];
    assert_eq!(*server.seen.lock().unwrap(), expected, "recorded connections are kept apart, and alive");
    assert_eq!(words(&outcomes), ["200", "200", "200"]);
    assert_eq!((summary.reason, summary.answered, summary.other_status), (EndReason::Completed, 3, 1));
    for outcome in &outcomes {
        let Reply::Answered { response: Some(response), .. } = &outcome.reply else { panic!("answers are kept") };
        assert_eq!(response.body.contiguous().as_ref(), b"REDACTED", "nothing is written that was not redacted");
    }
    let unkept = RunOptions { keep_responses: false, ..options(&server) };
    let (outcomes, _) = play(script(&lines), &unkept, Control::default()).unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(&outcome.reply, Reply::Answered { response: None, .. })));
}

#[test]
fn a_slow_target_moves_no_due_time() {
    // The first session's answer takes long; the second session's requests leave all the same.
    let server = Server::start(true, |_, target| match target {
        "/slow" => Act::Later(Duration::from_millis(300), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into()),
        _ => ok(""),
    });
    let mut exchanges = vec![exchange(1, 1, 0, 5, "GET /slow", "200"), exchange(1, 2, 20, 25, "GET /after", "200")];
    exchanges.extend((1..=10).map(|index| exchange(2, index, 20 + i64::from(index), 20 + i64::from(index), "GET /b", "200")));
    let (outcomes, _) = play(exchanges, &options(&server), Control::default()).unwrap();
    let start = outcomes[0].timing.due;
    let after = &outcomes[1];
    assert_eq!(after.timing.due.since(start), Duration::from_millis(20));
    assert!(after.timing.ready.unwrap().since(start) >= Duration::from_millis(300), "it waits for what it followed in the recording");
    let others = &outcomes[2..];
    for (position, outcome) in (1..).zip(others) {
        assert_eq!(outcome.timing.due.since(start), Duration::from_millis(20 + position));
        assert!(outcome.timing.sent.unwrap().since(start) < Duration::from_millis(250), "it left while the target was slow with another");
    }
}

#[test]
fn a_full_house_is_told_apart_from_order() {
    let server = Server::start(true, |_, _| Act::Later(Duration::from_millis(30), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into()));
    let exchanges = (1..=4).map(|connection| exchange(connection, 1, 0, 5, "GET /a", "200")).collect();
    let one_at_a_time = RunOptions { max_in_flight: 1, ..options(&server) };
    let (mut outcomes, _) = play(exchanges, &one_at_a_time, Control::default()).unwrap();
    outcomes.sort_by_key(|outcome| outcome.timing.sent);
    for (position, outcome) in (0..).zip(&outcomes) {
        assert!(outcome.timing.ready.unwrap().since(outcome.timing.due) < Duration::from_millis(25));
        assert!(outcome.timing.sendable.unwrap().since(outcome.timing.due) >= Duration::from_millis(25) * position);
    }
}

#[test]
fn every_failure_has_its_word() {
    let server = Server::start(true, |_, target| match target {
        "/hang" => Act::Hang,
        "/close" => Act::Close,
        "/garbage" => Act::Answer("this is not what was asked for, at all\r\n\r\n".into()),
        _ => ok("{\"id\":\"hT7pQ2xW9vL4mN8r\"}"),
    });
    let id = "{\"id\":\"1f0c7e4a-9d3b-4c55-8a21-0e6f7b9d2c11\"}";
    let mut exchanges = script(&[
        (1, "GET /hang", &format!("200\n\n{id}")),
        (2, "GET /close", "200"),
        (3, "GET /garbage", "200"),
        (4, "GET /x/1f0c7e4a-9d3b-4c55-8a21-0e6f7b9d2c11", "200"),
        (5, "POST /dropped\n\nx", "200"),
        (6, "CONNECT a.example:443", "200"),
        (7, "GET /fine", "200"),
        (8, "GET /unseen", "200"),
    ]);
    exchanges[4].request.as_mut().unwrap().body.completeness = Completeness::Dropped { reason: DropReason::Opaque, seen_whole: true };
    exchanges[7].request = None;
    let options = RunOptions { timeout: Duration::from_millis(400), ..options(&server) };
    let (outcomes, summary) = play(exchanges, &options, Control::default()).unwrap();
    assert_eq!(words(&outcomes), ["timeout", "closed", "protocol", "unbound", "not_replayable", "not_replayable", "200", "not_replayable"]);
    assert_eq!(summary.failures[&Failure::NotReplayable], 3);
    assert!(outcomes.iter().all(|outcome| outcome.timing.done.is_some()));
    let sent: Vec<_> = outcomes.iter().map(|outcome| outcome.timing.sent.is_some()).collect();
    assert_eq!(sent, [true, true, true, false, false, false, true, false]);
}

#[test]
fn a_connection_that_idles_too_long_is_made_anew() {
    let server = Server::start(true, |_, _| Act::Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into()));
    let (outcomes, _) = play(script(&[(1, "GET /a", "200"), (1, "POST /b", "200")]), &options(&server), Control::default()).unwrap();
    assert_eq!(words(&outcomes), ["200", "200"]);
    assert_eq!(server.seen.lock().unwrap().len(), 2);
}

#[test]
fn a_stop_keeps_what_was_done() {
    let server = Server::start(true, |_, target| if target == "/hang" { Act::Hang } else { ok("") });
    let mut exchanges = vec![exchange(1, 1, 0, 5, "GET /a", "200"), exchange(2, 1, 10, 15, "GET /hang", "200"), exchange(2, 2, 20, 25, "GET /held", "200")];
    exchanges.extend((1..=5000).map(|index| exchange(3, index, 60_000 + i64::from(index), 60_000 + i64::from(index), "GET /later", "200")));
    let stop = Stop::new();
    let (told, asked) = (stop.clone(), std::sync::atomic::AtomicBool::new(false));
    let progress: Watch = Box::new(move |progress| {
        if progress.settled == 1 && !asked.swap(true, std::sync::atomic::Ordering::Relaxed) {
            told.stop();
        }
    });
    let control = Control { stop, progress: Some(progress), ..Control::default() };
    let (outcomes, summary) = play(exchanges, &options(&server), control).unwrap();
    assert_eq!(summary.reason, EndReason::Stopped);
    assert_eq!(words(&outcomes[..3]), ["200", "stopped", "stopped"]);
    assert_eq!(summary.failures[&Failure::Stopped], 5002);
    assert!(outcomes[1].timing.sent.is_some() && outcomes[2].timing.sent.is_none());
}

#[test]
fn hooks_run_beside_the_requests() {
    let server = Server::start(true, |_, _| ok(""));
    let exchanges = (1..=40).map(|index| exchange(1, index, i64::from(index) * 10, i64::from(index) * 10 + 1, "GET /a", "200")).collect();
    let hook = |at: &str, command: &str| Hook { at: at.parse().unwrap(), command: command.to_owned() };
    let hooks = vec![hook("75%", "exit 3"), hook("25%", "test \"$REENACT_HOOK\" = 'hook 1' && sleep 0.1"), hook("1h", "true")];
    let (outcomes, summary) = play(exchanges, &RunOptions { hooks, ..options(&server) }, Control::default()).unwrap();
    let results: Vec<_> = summary.timeline.iter().map(|event| (event.name.as_str(), event.result.clone())).collect();
    assert_eq!(results[..2], [("hook 1", EventResult::Exited(0)), ("hook 2", EventResult::Exited(3))]);
    assert!(matches!(&results[2], ("hook 3", EventResult::Failed(why)) if why.contains("not run")));
    assert!(summary.timeline[0].duration >= Duration::from_millis(100));
    assert_eq!(summary.failed_hooks().count(), 2);
    let mut phases: Vec<_> = outcomes.iter().map(|outcome| outcome.phase.as_str()).collect();
    assert_eq!(words(&outcomes), vec!["200"; 40]);
    assert!(phases.iter().filter(|phase| **phase == "hook 1").count() >= 5, "requests went on during the hook: {phases:?}");
    phases.dedup();
    assert!(phases.starts_with(&["main", "hook 1", "after hook 1"]) && phases.ends_with(&["after hook 2"]), "{phases:?}");
}

#[test]
fn a_run_that_cannot_be_written_ends() {
    let server = Server::start(true, |_, _| ok(""));
    let plan = Plan::build(script(&[(1, "GET /a", "200")]).into_iter().map(Ok), &PlanOptions::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("x"), "").unwrap();
    let result = runtime.block_on(run(plan, &options(&server), Box::new(Blank), root.path(), Control::default()));
    assert!(matches!(result, Err(Error::Run(_))));
    assert_eq!(server.seen.lock().unwrap().len(), 0, "nothing was sent");
}

#[test]
fn nothing_is_sent_to_a_target_that_is_not_cleared() {
    let marked = Server::start(true, |_, _| ok(""));
    let unmarked = Server::start(false, |_, _| Act::Answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into()));
    let other = Server::start(false, |_, _| Act::Answer("SSH-2.0-x what is this you are asking for\r\n\r\n".into()));
    let reads = [(1, "GET /a", "200"), (2, "HEAD /b", "200")];
    let writes = [(1, "GET /a", "200"), (2, "DELETE /b", "200")];
    let check = |server: &Server, lines: &[(u64, &str, &str)], unmarked: bool, may_write: bool, expected: Option<&str>| {
        server.seen.lock().unwrap().clear();
        let mut options = options(server);
        (options.permissions.allow_unmarked, options.permissions.allow_writes) = (unmarked, may_write);
        match (play(script(lines), &options, Control::default()), expected) {
            (Ok(_), None) => {}
            (Err(error), Some(expected)) => {
                assert!(error.to_string().contains(expected), "{error} should say {expected}");
                assert_eq!(error.blame(), Blame::Safety);
                assert!(error.hint().is_some());
                assert_eq!(server.seen.lock().unwrap().len(), 0, "nothing was sent but the probe");
            }
            (result, expected) => panic!("expected {expected:?}, not {:?}", result.map(|_| ())),
        }
    };
    check(&marked, &writes, false, false, None);
    check(&unmarked, &reads, false, false, Some("is not marked as a sandbox: it answered 404"));
    check(&unmarked, &reads, true, false, None);
    check(&unmarked, &writes, true, false, Some("1 requests of the recording write"));
    check(&unmarked, &writes, true, true, None);
    check(&other, &reads, false, true, Some("it answered nothing that is HTTP"));
}

#[test]
fn what_was_given_wrong_is_said_before_anything_is_sent() {
    let server = Server::start(true, |_, _| ok(""));
    let lines = [(1, "GET /a", "200")];
    let refused = |change: &dyn Fn(&mut RunOptions)| {
        let mut options = options(&server);
        change(&mut options);
        let error = play(script(&lines), &options, Control::default()).map(|_| ()).unwrap_err();
        (error.to_string(), error.blame())
    };
    let unmapped = refused(&|options| options.targets.default = None);
    assert_eq!(unmapped, ("no target for recorded.example".to_owned(), Blame::Input));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let down = refused(&|options| options.targets = Targets::all(format!("http://{free}").parse().unwrap()));
    assert_eq!(down, (format!("the target http://{free} cannot be reached"), Blame::Input));
    let elsewhere = refused(&|options| options.targets = Targets::all("http://192.0.2.7:80".parse().unwrap()));
    assert!(elsewhere.0.contains("is not on this machine (192.0.2.7)") && elsewhere.1 == Blame::Safety);
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(refused(&|options| options.plan.speed = speed).1, Blame::Input);
    }
    let at = |text: &str| text.parse::<At>();
    assert!(at("50%").is_ok() && at("half").is_err());
    assert!(matches!(Plan::build(Vec::new(), &PlanOptions::default()), Err(Error::NothingToSend { outbound: 0 })));
}
