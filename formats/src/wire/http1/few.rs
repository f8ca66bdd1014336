//! A queue that nearly always holds one thing at most.
//!
//! What is first stands in the queue itself: whoever comes to it, after thousands of others, need not fetch another place in memory.

use std::collections::VecDeque;

pub(super) struct Few<T> {
    /// Before all the rest, if it is there.
    first: Option<T>,
    rest: VecDeque<T>,
}

impl<T> Few<T> {
    pub(super) const fn new() -> Self {
        Self { first: None, rest: VecDeque::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && self.rest.is_empty()
    }

    pub(super) fn push_back(&mut self, value: T) {
        if self.is_empty() {
            self.first = Some(value);
        } else {
            self.rest.push_back(value);
        }
    }

    pub(super) fn push_front(&mut self, value: T) {
        if let Some(second) = self.first.replace(value) {
            self.rest.push_front(second);
        }
    }

    pub(super) fn pop_front(&mut self) -> Option<T> {
        self.first.take().or_else(|| self.rest.pop_front())
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.first.iter_mut().chain(&mut self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_of_any_queue() {
        let (mut few, mut queue) = (Few::new(), VecDeque::new());
        // Every way to push and pop ten times.
        for ways in 0..3_u32.pow(10) {
            for step in 0..10 {
                match ways / 3_u32.pow(step) % 3 {
                    0 => (few.push_back(step), queue.push_back(step)),
                    1 => (few.push_front(step), queue.push_front(step)),
                    _ => {
                        assert_eq!(few.pop_front(), queue.pop_front());
                        ((), ())
                    }
                };
                assert_eq!(few.is_empty(), queue.is_empty());
            }
            assert!(few.iter_mut().eq(queue.iter_mut()), "{ways}");
            queue.drain(..).for_each(|value| assert_eq!(few.pop_front(), Some(value)));
        }
    }
}
