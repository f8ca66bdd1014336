//! Who has to wait for whom.
//!
//! In: for each step the steps that it follows, then, as they happen, that a step is due or settled. Out: the steps that may
//! go. A step goes once it is due *and* every step that it follows is settled, answered or not. What never happens here: a
//! step goes twice, or a cycle: steps follow only earlier ones.

/// Keeps steps back until what they follow is settled.
#[derive(Debug)]
pub(crate) struct Gate {
    steps: Vec<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// How many of those that it follows are not settled.
    unsettled: u32,
    is_due: bool,
    /// It may go, or went.
    is_free: bool,
    followers: Vec<u32>,
}

impl Gate {
    /// For each step, in order, the earlier steps that it follows, each once.
    pub(crate) fn new<'a>(follows: impl ExactSizeIterator<Item = &'a [u32]>) -> Self {
        let mut steps: Vec<Waiting> = std::iter::repeat_with(Waiting::default).take(follows.len()).collect();
        for (step, earlier) in (0..).zip(follows) {
            steps[step as usize].unsettled = u32::try_from(earlier.len()).expect("a step follows fewer than 2^32 steps");
            for predecessor in earlier {
                debug_assert!(*predecessor < step, "steps follow only earlier ones");
                steps[*predecessor as usize].followers.push(step);
            }
        }
        Self { steps }
    }

    /// `step` is due: whether it may go at once.
    pub(crate) fn due(&mut self, step: u32) -> bool {
        let waiting = &mut self.steps[step as usize];
        waiting.is_due = true;
        waiting.is_free = waiting.unsettled == 0;
        waiting.is_free
    }

    /// Those that are due and wait.
    pub(crate) fn held(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.steps).filter(|(_, waiting)| waiting.is_due && !waiting.is_free).map(|(step, _)| step)
    }

    /// `step` is settled: appends those that may go now.
    pub(crate) fn settle(&mut self, step: u32, ready: &mut Vec<u32>) {
        for follower in std::mem::take(&mut self.steps[step as usize].followers) {
            let waiting = &mut self.steps[follower as usize];
            waiting.unsettled -= 1;
            if waiting.unsettled == 0 && waiting.is_due {
                waiting.is_free = true;
                ready.push(follower);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_goes_when_it_is_due_and_free() {
        // 0 ─► 1 ─► 3
        //  └─► 2 ──┘
        let follows: [&[u32]; 4] = [&[], &[0], &[0], &[1, 2]];
        let mut gate = Gate::new(follows.into_iter());
        let settle = |gate: &mut Gate, step| {
            let mut ready = Vec::new();
            gate.settle(step, &mut ready);
            ready
        };
        assert!(gate.due(0));
        assert!(!gate.due(1));
        assert!(!gate.due(3));
        assert_eq!(settle(&mut gate, 0), [1], "2 is free but not due");
        assert!(gate.due(2));
        assert_eq!(settle(&mut gate, 1), [0; 0]);
        assert_eq!(settle(&mut gate, 2), [3]);
    }
}
