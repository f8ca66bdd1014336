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

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use reenact_formats::disk::run::{EndReason, EventResult, TimelineEvent};
use reenact_formats::model::{Failure, OutcomeTiming, Reply, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::compose::{Slot, compose};
use super::idle::Idle;
use super::task::{Settled, Task, outcome};
use super::{Control, Lag, Progress, RunOptions, RunSummary};
use crate::clock::Clock;
use crate::gate::Gate;
use crate::hooks::{Bounds, execute};
use crate::pacer::{Next, Pacer};
use crate::recorder::{Entry, Recorder};
use crate::safety::Cleared;
use crate::{Error, Plan};

/// What a task tells the loop.
enum Told {
    /// What follows it may go.
    Settled(Box<Settled>),
    /// Its outcome is written: its slot is free.
    Written,
}

pub(super) struct Sender {
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
    /// Of those that run.
    names: BTreeSet<String>,
    stop: watch::Sender<bool>,
}

impl Sender {
    pub(super) fn new(
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
            hooks: Hooks { left, running: JoinSet::new(), names: BTreeSet::new(), stop: watch::Sender::new(false) },
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

    pub(super) async fn run(mut self) -> Result<RunSummary, Error> {
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
            self.hooks.names.insert(name.clone());
            let bounds = Bounds { limit: self.options.hook_timeout, stop: self.hooks.stop.subscribe() };
            self.hooks.running.spawn(async move {
                let began = clock.now();
                let result = execute(&command, &name, environment, bounds).await;
                TimelineEvent { name, at: began, duration: clock.now().since(began), result }
            });
        }
        if let Some((_, at, _)) = self.hooks.left.last() {
            *wake = (*wake).min(*at);
        }
    }

    fn end_hook(&mut self, event: Result<TimelineEvent, tokio::task::JoinError>) {
        let Ok(event) = event else { return };
        self.hooks.names.remove(&event.name);
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
        // Every host of a request that can be sent was cleared.
        let composed = match self.targets.get(&step.host) {
            Some(cleared) => compose(step, &self.slots, cleared.url.authority()).map(|composed| (composed, cleared.address)),
            None => Err(Failure::NotReplayable),
        };
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
            let (outcome, settled) = match composed {
                Ok((composed, address)) => task.send(composed, address).await,
                Err(failure) => task.never(failure),
            };
            // The loop outlives its tasks, and notices by itself when the recorder is gone.
            let _ = tell.send(Told::Settled(Box::new(settled)));
            let _ = entries.send(Entry::Outcome { step: ordinal, outcome: Box::new(outcome) }).await;
            let _ = tell.send(Told::Written);
        });
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Written => self.in_flight -= 1,
            Told::Settled(settled) => {
                let Settled { step, connection, values, status } = *settled;
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
            waiting_for: if self.settled == self.plan.len() as u64 { self.hooks.names.iter().cloned().collect() } else { Vec::new() },
        };
        if let Some(report) = &mut self.control.progress {
            report(&progress);
        }
        // If there is no room there is work, and what is old is published with it.
        let _ = self.entries.try_send(Entry::Tick(now));
    }

    /// After a stop: gives what is under way a moment, then says of everything else that it was not sent. After a whole run
    /// there is nothing to do. Hooks that still run are ended.
    async fn wind_down(&mut self) {
        self.hooks.stop.send_replace(true);
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
        while let Some(event) = self.hooks.running.join_next().await {
            self.end_hook(event);
        }
        let now = self.clock.now();
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

/// From the start to the first due time, so that the first request is not late.
const LEAD: Duration = Duration::from_millis(20);
const REPORT: Duration = Duration::from_millis(200);
/// What is under way when a run is stopped gets so long.
const GRACE: Duration = Duration::from_secs(2);
const LONGEST_LAG: u64 = 3_600_000_000_000;
