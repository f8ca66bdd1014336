//! The one loop that sends a plan.
//!
//! In: a plan, cleared targets, a clock, a stop. Out: outcomes to the recorder, and a summary. All state of a run is owned
//! here: what is due, what waits, what is under way, which live values are known, which phase it is. Requests are under way as
//! tasks of the same single-threaded runtime; they tell the loop when they are settled and when their outcome is written.
//!
//! The phases, which stand in outcomes: `main`, then for the n-th hook `hook n` while it runs and `after hook n` when it has
//! ended. A request belongs to the phase in which it was sent.
//!
//! What never happens here: a due time moves, a request is sent twice (but for a read that found its idle connection closed),
//! or memory grows with the length of the run beyond what the plan holds.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hdrhistogram::Histogram;
use reenact_formats::content::{Edit, Edits, rewrite};
use reenact_formats::disk::run::{EndReason, EventResult, RecordingRef, RunEnd, RunHeader, RunWriter, TimelineEvent};
use reenact_formats::model::{ConnectionId, Failure, Message, Outcome, OutcomeTiming, Part, Reply, Timestamp};
use reenact_formats::seam::Redact;
use reenact_formats::wire::http1::{RequestContext, encode_body, encode_head};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::clock::{Clock, RealClock};
use crate::correlate::harvest;
use crate::driver::http1::{Connection, Times};
use crate::gate::Gate;
use crate::hooks::{Hook, execute};
use crate::pacer::{Next, Pacer};
use crate::plan::Step;
use crate::recorder::{Entry, Recorder};
use crate::safety::{Cleared, Permissions, clear};
use crate::target::{Targets, absolute_authority};
use crate::{Error, Plan, PlanOptions};

/// How a plan is sent.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// What is replayed, for the run's header.
    pub recording: RecordingRef,
    /// How it was planned, for the run's header.
    pub plan: PlanOptions,
    /// Where requests go.
    pub targets: Targets,
    /// What the operator allows.
    pub permissions: Permissions,
    /// On every outcome.
    pub tags: BTreeMap<String, String>,
    /// Commands that run beside the requests.
    pub hooks: Vec<Hook>,
    /// How many requests may be under way at once.
    pub max_in_flight: usize,
    /// How long a request may take, connecting included.
    pub timeout: Duration,
    /// Whether answers are kept, redacted.
    pub keep_responses: bool,
}

impl RunOptions {
    /// The defaults for a recording and its targets.
    pub fn new(recording: RecordingRef, targets: Targets) -> Self {
        Self {
            recording,
            plan: PlanOptions::default(),
            targets,
            permissions: Permissions::default(),
            tags: BTreeMap::new(),
            hooks: Vec::new(),
            max_in_flight: 512,
            timeout: Duration::from_secs(30),
            keep_responses: true,
        }
    }
}

/// Tells a run to stop. Clones tell the same run.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    /// Nothing is to stop, yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// No further request is sent; those under way get a moment. What was done is kept.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

/// How a run is watched and stopped.
pub struct Control {
    /// Told to stop, the run stops.
    pub stop: Stop,
    /// Called some times a second, from the thread that sends: it must not block.
    pub progress: Option<Box<dyn FnMut(&Progress) + Send>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Default for Control {
    fn default() -> Self {
        Self { stop: Stop::new(), progress: None, clock: Arc::new(RealClock::start()) }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Outcomes that there will be.
    pub planned: u64,
    /// Those that are known.
    pub settled: u64,
    /// Of those, without a whole answer.
    pub failed: u64,
    /// Requests under way.
    pub in_flight: u64,
    /// Since the first due time.
    pub elapsed: Duration,
    /// From the first due time to the last.
    pub schedule: Duration,
    /// E.g. `main`.
    pub phase: String,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// Why it ended.
    pub reason: EndReason,
    /// When its first request was due.
    pub started: Timestamp,
    /// When its last outcome was known.
    pub ended: Timestamp,
    /// How many outcomes there are.
    pub outcomes: u64,
    /// Of those, with a whole answer, whatever its status.
    pub answered: u64,
    /// The others, by cause.
    pub failures: BTreeMap<Failure, u64>,
    /// Answers whose status is not the recorded one.
    pub other_status: u64,
    /// How late the sender was.
    pub lag: Lag,
    /// What happened beside the requests.
    pub timeline: Vec<TimelineEvent>,
}

impl RunSummary {
    /// The hooks that did not end well.
    pub fn failed_hooks(&self) -> impl Iterator<Item = &TimelineEvent> {
        self.timeline.iter().filter(|event| !event.result.is_success())
    }
}

/// The sender's own lag: from when a request was due to when the loop took it up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Half were taken up within this.
    pub p50: Duration,
    /// 99 of a hundred were.
    pub p99: Duration,
    /// All were.
    pub max: Duration,
}

/// Sends `plan` and writes what comes of it into the folder `output`, which must be new or empty.
///
/// Nothing is sent and nothing is written before every target has been cleared. The sending is done by a thread of its own,
/// which a [`Stop`] ends; dropping this future does not.
pub async fn run(plan: Plan, options: &RunOptions, redact: Box<dyn Redact>, output: &Path, control: Control) -> Result<RunSummary, Error> {
    let cleared = clear(&plan, &options.targets, &options.permissions, &*control.clock).await?;
    let header = RunHeader {
        started: control.clock.now(),
        recording: options.recording.clone(),
        targets: options.targets.words(),
        key_id: Some(redact.key_id()),
        policy_digest: Some(redact.policy_digest()),
        seed: 0,
        speed: options.plan.speed,
        session: options.plan.session.to_string(),
        tags: options.tags.clone(),
        planned: plan.len() as u64,
        schedule: plan.schedule(),
    };
    let writer = RunWriter::create(output, header).map_err(Error::Run)?;
    let plan = Arc::new(plan);
    let recorder = Recorder::start(Arc::clone(&plan), redact, writer)?;
    let (options, (result, received)) = (options.clone(), oneshot::channel());
    let output = output.display().to_string();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Start);
        let outcome = runtime.and_then(|runtime| runtime.block_on(async { Runner::new(plan, options, cleared, &recorder, control, output)?.run().await }));
        // The runtime is gone, and every sender with it.
        let finished = match (outcome, recorder.finish()) {
            (_, Err(error)) | (Err(error), _) => Err(error),
            (Ok(summary), Ok(writer)) => {
                let end = RunEnd { ended: summary.ended, reason: summary.reason, timeline: summary.timeline.clone() };
                writer.finish(&end).map_err(Error::Run).map(|()| summary)
            }
        };
        // Nobody listens if the future was dropped.
        let _ = result.send(finished);
    };
    std::thread::Builder::new().name("replay".to_owned()).spawn(work).map_err(Error::Start)?;
    received.await.map_err(|_| Error::Broken { thread: "replay" })?
}

/// A live value.
#[derive(Clone)]
enum Slot {
    /// Its producer is not settled.
    Unknown,
    /// The target issued this.
    Live(Bytes),
    /// What was recorded is to be sent.
    Recorded,
    /// Its producer failed.
    Failed,
}

/// What a task tells the loop.
enum Told {
    /// The step is settled: what follows it may go.
    Settled { step: u32, connection: Option<Connection>, values: Vec<(u32, Slot)>, status: Result<u16, Failure> },
    /// Its outcome is written: its slot is free.
    Written,
}

/// A request, ready to be sent, or why it never is.
enum Composed {
    Ready { wire: Vec<u8>, context: RequestContext, bound: Vec<String> },
    Never(Failure),
}

struct Runner {
    plan: Arc<Plan>,
    options: Arc<RunOptions>,
    clock: Arc<dyn Clock>,
    control: Control,
    targets: BTreeMap<String, Cleared>,
    output: String,
    entries: mpsc::Sender<Entry>,
    pacer: Pacer,
    gate: Gate,
    start: Timestamp,
    slots: Vec<Slot>,
    /// Due and free, waiting for a slot.
    ready: VecDeque<u32>,
    ready_at: BTreeMap<u32, Timestamp>,
    in_flight: usize,
    idle: Idle,
    tell: mpsc::UnboundedSender<Told>,
    told: mpsc::UnboundedReceiver<Told>,
    give_up: watch::Sender<bool>,
    phase: String,
    hooks: Hooks,
    /// Steps whose outcome is known or on its way.
    settled: u64,
    summary: RunSummary,
    lag: Histogram<u64>,
}

/// The hooks, by the time at which they run.
struct Hooks {
    /// Name, time and command, the earliest last.
    left: Vec<(String, Timestamp, String)>,
    running: JoinSet<TimelineEvent>,
}

impl Runner {
    fn new(
        plan: Arc<Plan>,
        options: RunOptions,
        targets: BTreeMap<String, Cleared>,
        recorder: &Recorder,
        control: Control,
        output: String,
    ) -> Result<Self, Error> {
        let clock = Arc::clone(&control.clock);
        let start = clock.now().saturating_add(LEAD);
        let schedule = plan.schedule();
        let mut hooks: Vec<_> = options.hooks.iter().map(|hook| (start.saturating_add(hook.at.offset(schedule)), hook.command.clone())).collect();
        hooks.sort_by_key(|(at, _)| *at);
        let left = hooks.into_iter().enumerate().map(|(position, (at, command))| (format!("hook {}", position + 1), at, command)).rev().collect();
        let (tell, told) = mpsc::unbounded_channel();
        let reason = EndReason::Completed;
        Ok(Self {
            pacer: Pacer::new(start, plan.steps.iter().map(|step| step.offset).collect()),
            gate: Gate::new(plan.steps.iter().map(|step| step.follows.as_slice())),
            slots: vec![Slot::Unknown; plan.slots],
            idle: Idle::new(&plan),
            ready: VecDeque::new(),
            ready_at: BTreeMap::new(),
            in_flight: 0,
            give_up: watch::Sender::new(false),
            phase: "main".to_owned(),
            hooks: Hooks { left, running: JoinSet::new() },
            settled: 0,
            summary: RunSummary {
                reason,
                started: start,
                ended: start,
                outcomes: 0,
                answered: 0,
                failures: BTreeMap::new(),
                other_status: 0,
                lag: Lag::default(),
                timeline: Vec::new(),
            },
            lag: Histogram::new_with_bounds(1, LONGEST_LAG, 3).expect("the bounds are right"),
            entries: recorder.entries(),
            options: Arc::new(options),
            plan,
            clock,
            control,
            targets,
            output,
            start,
            tell,
            told,
        })
    }

    async fn run(mut self) -> Result<RunSummary, Error> {
        let mut alarm = self.clock.alarm().map_err(Error::Start)?;
        let mut stop = self.control.stop.0.subscribe();
        let mut report = self.start;
        while !self.is_done() && !self.entries.is_closed() {
            let now = self.clock.now();
            let mut wake = self.fire(now);
            self.begin_hooks(now, &mut wake);
            self.send_ready();
            if now >= report {
                report = now.saturating_add(REPORT);
                self.report(now);
            }
            tokio::select! {
                biased;
                Some(told) = self.told.recv() => self.hear(told),
                Some(event) = self.hooks.running.join_next() => self.end_hook(event),
                _ = stop.wait_for(|stop| *stop) => {
                    self.summary.reason = EndReason::Stopped;
                    break;
                }
                () = alarm.wait_until(wake.min(report)) => {}
            }
        }
        self.wind_down().await;
        let now = self.clock.now();
        self.summary.ended = now;
        self.report(now);
        let lag = |quantile| Duration::from_nanos(self.lag.value_at_quantile(quantile));
        self.summary.lag = if self.lag.is_empty() { Lag::default() } else { Lag { p50: lag(0.5), p99: lag(0.99), max: lag(1.0) } };
        Ok(self.summary)
    }

    fn is_done(&self) -> bool {
        self.settled == self.plan.len() as u64 && self.in_flight == 0 && self.hooks.running.is_empty()
    }

    /// Takes up what is due; answers when something is due next.
    fn fire(&mut self, now: Timestamp) -> Timestamp {
        loop {
            match self.pacer.next(now) {
                Next::Fire(step, due) => {
                    self.lag.saturating_record(u64::try_from(now.since(due).as_nanos()).unwrap_or(u64::MAX).max(1));
                    let step = u32::try_from(step).expect("a plan has fewer than 2^32 steps");
                    if self.gate.due(step) {
                        self.enqueue(step, now);
                    }
                }
                Next::Wait(until) => return until,
                Next::Done => return Timestamp::from_nanos(i64::MAX),
            }
        }
    }

    fn enqueue(&mut self, step: u32, now: Timestamp) {
        self.ready.push_back(step);
        self.ready_at.insert(step, now);
    }

    fn begin_hooks(&mut self, now: Timestamp, wake: &mut Timestamp) {
        while let Some((name, at, command)) = self.hooks.left.pop_if(|(_, at, _)| *at <= now) {
            self.phase.clone_from(&name);
            let clock = Arc::clone(&self.clock);
            let targets = self.options.targets.words();
            let environment = vec![
                ("REENACT_RUN", self.output.clone()),
                ("REENACT_PHASE", name.clone()),
                ("REENACT_TARGET", targets.get("*").or_else(|| targets.values().next()).cloned().unwrap_or_default()),
            ];
            tracing::info!(hook = %name, due = %at, "hook begins");
            self.hooks.running.spawn(async move {
                let began = clock.now();
                let result = execute(&command, &name, environment).await;
                TimelineEvent { name, at: began, duration: clock.now().since(began), result }
            });
        }
        if let Some((_, at, _)) = self.hooks.left.last() {
            *wake = (*wake).min(*at);
        }
    }

    fn end_hook(&mut self, event: Result<TimelineEvent, tokio::task::JoinError>) {
        let Ok(event) = event else { return };
        if self.phase == event.name {
            self.phase = format!("after {}", event.name);
        }
        tracing::info!(hook = %event.name, ok = event.result.is_success(), "hook ended");
        self.summary.timeline.push(event);
    }

    fn send_ready(&mut self) {
        while self.in_flight < self.options.max_in_flight.max(1) {
            let Some(step) = self.ready.pop_front() else { return };
            self.send(step);
        }
    }

    fn send(&mut self, ordinal: u32) {
        self.in_flight += 1;
        let step = &self.plan.steps[ordinal as usize];
        let ready = self.ready_at.remove(&ordinal);
        let composed = self.compose(step);
        let cleared = self.targets.get(&step.host);
        let address = cleared.map(|cleared| cleared.address);
        let task = Task {
            step: ordinal,
            plan: Arc::clone(&self.plan),
            options: Arc::clone(&self.options),
            clock: Arc::clone(&self.clock),
            connection: self.idle.take(step.exchange.connection, &step.host),
            timing: OutcomeTiming { due: self.pacer.due(ordinal as usize), ready, ..OutcomeTiming::default() },
            phase: self.phase.clone(),
            give_up: self.give_up.subscribe(),
        };
        let (tell, entries) = (self.tell.clone(), self.entries.clone());
        tokio::spawn(async move {
            let (outcome, told) = match (composed, address) {
                (Composed::Ready { wire, context, bound }, Some(address)) => task.send(wire, context, bound, address).await,
                (Composed::Never(failure), _) => task.never(failure),
                // Every host that can be sent to was cleared.
                (Composed::Ready { .. }, None) => task.never(Failure::NotReplayable),
            };
            // The loop outlives its tasks, and notices by itself when the recorder is gone.
            let _ = tell.send(told);
            let _ = entries.send(Entry::Outcome { step: ordinal, outcome: Box::new(outcome) }).await;
            let _ = tell.send(Told::Written);
        });
    }

    /// The request as it will stand on the wire.
    fn compose(&self, step: &Step) -> Composed {
        let Ok(request) = &step.request else { return Composed::Never(Failure::NotReplayable) };
        let mut edits = Edits::default();
        let mut bound: Vec<String> = Vec::new();
        for take in &step.takes {
            let replacement = match &self.slots[take.slot as usize] {
                Slot::Live(value) => take.surface.dress(value),
                Slot::Recorded => continue,
                Slot::Failed | Slot::Unknown => return Composed::Never(Failure::Unbound),
            };
            let edit = Edit { span: take.span.clone(), replacement };
            match take.part {
                Part::Body => edits.body.push(edit),
                Part::Trailers => edits.trailers.push(edit),
                _ => edits.head.push(edit),
            }
            if !bound.iter().any(|name| **name == *take.name) {
                bound.push(take.name.to_string());
            }
        }
        if let Some(cleared) = self.targets.get(&step.host) {
            edits.head.extend(host_edits(request, cleared.url.authority()));
        }
        edits.head.sort_by_key(|edit| edit.span.start);
        let rewritten;
        let message = if edits.is_empty() {
            request
        } else {
            let mut message = request.clone();
            if rewrite(&mut message, edits).is_err() {
                return Composed::Never(Failure::NotReplayable);
            }
            rewritten = message;
            &rewritten
        };
        let mut wire = Vec::with_capacity(message.head.raw().len() + 64);
        encode_head(message, &mut wire);
        encode_body(message, &mut wire);
        Composed::Ready { wire, context: RequestContext::of(&message.head), bound }
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Written => self.in_flight -= 1,
            Told::Settled { step, connection, values, status } => {
                self.settled += 1;
                self.count(step, status);
                let exchange = &self.plan.steps[step as usize];
                self.idle.put(exchange.exchange.connection, &exchange.host, connection);
                for (slot, value) in values {
                    self.slots[slot as usize] = value;
                }
                let mut free = Vec::new();
                self.gate.settle(step, &mut free);
                let now = self.clock.now();
                free.into_iter().for_each(|step| self.enqueue(step, now));
            }
        }
    }

    fn count(&mut self, step: u32, status: Result<u16, Failure>) {
        self.summary.outcomes += 1;
        match status {
            Ok(status) => {
                self.summary.answered += 1;
                let recorded = self.plan.steps[step as usize].recorded_status;
                self.summary.other_status += u64::from(recorded.is_some_and(|recorded| recorded != status));
            }
            Err(failure) => *self.summary.failures.entry(failure).or_default() += 1,
        }
    }

    fn report(&mut self, now: Timestamp) {
        let failed = self.summary.failures.values().sum();
        let progress = Progress {
            planned: self.plan.len() as u64,
            settled: self.settled,
            failed,
            in_flight: self.in_flight as u64,
            elapsed: now.since(self.start),
            schedule: self.plan.schedule(),
            phase: self.phase.clone(),
        };
        if let Some(report) = &mut self.control.progress {
            report(&progress);
        }
        // If there is no room there is work, and what is old is published with it.
        let _ = self.entries.try_send(Entry::Tick(now));
    }

    /// After a stop: gives what is under way a moment, then says of everything else that it was not sent. After a whole run
    /// there is nothing to do.
    async fn wind_down(&mut self) {
        if self.summary.reason == EndReason::Stopped {
            let grace = tokio::time::sleep(GRACE);
            tokio::pin!(grace);
            while self.in_flight > 0 && !self.entries.is_closed() {
                tokio::select! {
                    Some(told) = self.told.recv() => self.hear(told),
                    Some(event) = self.hooks.running.join_next() => self.end_hook(event),
                    () = &mut grace, if !*self.give_up.borrow() => drop(self.give_up.send_replace(true)),
                }
            }
            while let Some(event) = self.hooks.running.try_join_next() {
                self.end_hook(event);
            }
            for ordinal in self.unsent() {
                let step = &self.plan.steps[ordinal as usize];
                let timing = OutcomeTiming { due: self.pacer.due(ordinal as usize), ready: self.ready_at.get(&ordinal).copied(), ..OutcomeTiming::default() };
                let outcome = Box::new(outcome(step, &self.options, self.phase.clone(), timing, Reply::Failed(Failure::Stopped)));
                self.count(ordinal, Err(Failure::Stopped));
                if self.entries.send(Entry::Outcome { step: ordinal, outcome }).await.is_err() {
                    break;
                }
            }
        }
        let now = self.clock.now();
        let killed = if self.hooks.running.is_empty() { None } else { Some("was still running when the run was stopped, and was ended") };
        self.hooks.running.abort_all();
        if let Some(why) = killed {
            let event = TimelineEvent { name: self.phase.clone(), at: now, duration: Duration::ZERO, result: EventResult::Failed(why.to_owned()) };
            self.summary.timeline.push(event);
        }
        while let Some((name, _, _)) = self.hooks.left.pop() {
            let result = EventResult::Failed("was not run: the run was over before its time".to_owned());
            self.summary.timeline.push(TimelineEvent { name, at: now, duration: Duration::ZERO, result });
        }
    }

    /// The steps that were never taken up, or wait for others, or for a slot.
    fn unsent(&self) -> Vec<u32> {
        let left = self.pacer.left();
        let held = self.gate.held();
        let mut unsent: Vec<u32> = self.ready.iter().copied().chain(held).chain((0..).zip(&self.plan.steps).map(|(step, _)| step).skip(left.start)).collect();
        unsent.sort_unstable();
        unsent.dedup();
        unsent
    }
}

/// Edits that make `Host`, and a target in absolute form, name the target.
fn host_edits(request: &Message, authority: &str) -> Vec<Edit> {
    let head = &request.head;
    let mut edits = Vec::new();
    if let (Some(target), Some(span)) = (head.target(), head.target_span())
        && let Some((recorded, at)) = absolute_authority(target)
        && recorded != authority.as_bytes()
    {
        let start = span.start + at;
        edits.push(Edit { span: start..start + recorded.len(), replacement: authority.as_bytes().to_vec() });
    }
    let hosts = head.headers_named("host").filter(|host| host.value != authority.as_bytes());
    edits.extend(hosts.map(|host| Edit { span: host.value_span(), replacement: authority.as_bytes().to_vec() }));
    edits
}

fn outcome(step: &Step, options: &RunOptions, phase: String, timing: OutcomeTiming, reply: Reply) -> Outcome {
    Outcome {
        exchange: step.exchange,
        copy: 0,
        session: step.session,
        method: step.method.clone(),
        endpoint: step.endpoint.clone(),
        phase,
        tags: options.tags.clone(),
        timing,
        recorded_status: step.recorded_status,
        request_bytes: 0,
        response_bytes: 0,
        bound: Vec::new(),
        produced: Vec::new(),
        reply,
    }
}

/// One request, on its way.
struct Task {
    step: u32,
    plan: Arc<Plan>,
    options: Arc<RunOptions>,
    clock: Arc<dyn Clock>,
    connection: Option<Connection>,
    timing: OutcomeTiming,
    phase: String,
    give_up: watch::Receiver<bool>,
}

impl Task {
    fn step(&self) -> &Step {
        &self.plan.steps[self.step as usize]
    }

    /// It is not sent.
    fn never(self, failure: Failure) -> (Outcome, Told) {
        let timing = OutcomeTiming { done: Some(self.clock.now()), ..self.timing };
        let values = self.step().gives.iter().map(|give| (give.slot, Slot::Failed)).collect();
        let outcome = outcome(self.step(), &self.options, self.phase.clone(), timing, Reply::Failed(failure));
        (outcome, Told::Settled { step: self.step, connection: self.connection, values, status: Err(failure) })
    }

    async fn send(mut self, wire: Vec<u8>, context: RequestContext, bound: Vec<String>, address: std::net::SocketAddr) -> (Outcome, Told) {
        let mut way = Way { connection: self.connection.take(), sendable: None, times: Times::default() };
        let is_safe_to_repeat = matches!(self.step().method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
        let answer = {
            let sending = tokio::time::timeout(self.options.timeout, way.go(&wire, context, address, is_safe_to_repeat, &*self.clock));
            tokio::select! {
                biased;
                answer = sending => answer.unwrap_or(Err(Failure::Timeout)),
                _ = self.give_up.wait_for(|give_up| *give_up) => Err(Failure::Stopped),
            }
        };
        let Way { connection, sendable, times } = way;
        let timing = OutcomeTiming { sendable, sent: times.sent, first_byte: times.first_byte, done: Some(self.clock.now()), ..self.timing };
        let (mut values, mut produced, mut keeps) = (Vec::new(), Vec::new(), false);
        let (reply, status) = match answer {
            Ok(answer) => {
                keeps = answer.keeps_alive;
                let status = answer.message.head.status().unwrap_or_default();
                let (message, harvest) = self.harvest(answer.message).await;
                values = harvest.values.into_iter().map(|(slot, value)| (slot, value.map_or(Slot::Recorded, Slot::Live))).collect();
                produced = harvest.produced;
                let response = self.options.keep_responses.then_some(message);
                (Reply::Answered { status, response, redactions: Vec::new() }, Ok(status))
            }
            Err(failure) => {
                values.extend(self.step().gives.iter().map(|give| (give.slot, Slot::Failed)));
                (Reply::Failed(failure), Err(failure))
            }
        };
        let mut outcome = outcome(self.step(), &self.options, self.phase.clone(), timing, reply);
        outcome.request_bytes = if timing.sent.is_some() { wire.len() as u64 } else { 0 };
        outcome.response_bytes = times.received;
        outcome.bound = bound;
        outcome.produced = produced;
        (outcome, Told::Settled { step: self.step, connection: connection.filter(|_| keeps), values, status })
    }

    /// Takes what later steps need out of the answer; off this thread if that is much work.
    async fn harvest(&self, message: Message) -> (Message, harvest::Harvest) {
        if self.step().gives.is_empty() {
            return (message, harvest::Harvest::default());
        }
        if message.body.kept_length() <= SMALL {
            let harvest = harvest::harvest(&self.step().gives, &message);
            return (message, harvest);
        }
        let (plan, step) = (Arc::clone(&self.plan), self.step);
        let (returned, kept) = (message.clone(), message);
        let work = tokio::task::spawn_blocking(move || harvest::harvest(&plan.steps[step as usize].gives, &returned));
        (kept, work.await.unwrap_or_default())
    }
}

/// How far one request has come.
struct Way {
    connection: Option<Connection>,
    sendable: Option<Timestamp>,
    times: Times,
}

impl Way {
    async fn go(
        &mut self,
        wire: &[u8],
        context: RequestContext,
        address: std::net::SocketAddr,
        is_safe_to_repeat: bool,
        clock: &dyn Clock,
    ) -> Result<crate::driver::http1::Answer, Failure> {
        loop {
            let idle = self.connection.take().filter(|connection| !connection.is_stale());
            let was_idle = idle.is_some();
            let connection = match idle {
                Some(connection) => connection,
                None => Connection::open(address).await.map_err(|_| Failure::Connect)?,
            };
            let connection = self.connection.insert(connection);
            self.sendable = Some(clock.now());
            let answer = connection.exchange(wire, context, clock, &mut self.times).await;
            // The target may close an idle connection at any time (RFC 9112, section 9.3.1).
            if was_idle && is_safe_to_repeat && self.times.received == 0 && matches!(answer, Err(Failure::Closed)) {
                self.connection = None;
                continue;
            }
            return answer;
        }
    }
}

/// Connections that wait for the next request of the recorded connection that they stand for.
struct Idle {
    waiting: BTreeMap<(ConnectionId, String), Vec<Connection>>,
    /// How many steps of each recorded connection are left.
    left: BTreeMap<ConnectionId, u32>,
}

impl Idle {
    fn new(plan: &Plan) -> Self {
        let mut left = BTreeMap::new();
        for step in &plan.steps {
            *left.entry(step.exchange.connection).or_default() += 1;
        }
        Self { waiting: BTreeMap::new(), left }
    }

    fn take(&mut self, connection: ConnectionId, host: &str) -> Option<Connection> {
        self.waiting.get_mut(&(connection, host.to_owned()))?.pop()
    }

    /// A step of `connection` is settled, with this left over. After the last one it is closed, as its recorded one was.
    fn put(&mut self, connection: ConnectionId, host: &str, left_over: Option<Connection>) {
        let left = self.left.entry(connection).or_default();
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.left.remove(&connection);
            self.waiting.remove(&(connection, host.to_owned()));
            return;
        }
        if let Some(open) = left_over {
            self.waiting.entry((connection, host.to_owned())).or_default().push(open);
        }
    }
}

/// From the start to the first due time, so that the first request is not late.
const LEAD: Duration = Duration::from_millis(20);
const REPORT: Duration = Duration::from_millis(200);
/// What is under way when a run is stopped gets so long.
const GRACE: Duration = Duration::from_secs(2);
/// Answers up to this many bytes are read on the thread that sends.
const SMALL: u64 = 64 << 10;
const LONGEST_LAG: u64 = 3_600_000_000_000;

#[cfg(test)]
mod tests;
