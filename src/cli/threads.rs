//! How many threads work, as each command that can use several takes it.

use std::num::NonZero;

use clap::Args;

#[derive(Args)]
pub(crate) struct ThreadArgs {
    /// How many threads work; without it one a processor. What is written is the same with any number
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<NonZero<usize>>,
}

impl ThreadArgs {
    /// What was asked for, else as many as there are processors for this process.
    pub(crate) fn count(&self) -> NonZero<usize> {
        self.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN)
    }
}

fn threads(text: &str) -> Result<NonZero<usize>, String> {
    text.parse::<NonZero<usize>>()
        .ok()
        .filter(|threads| threads.get() <= MOST)
        .ok_or_else(|| format!("is no number of threads; write one from 1 to {MOST}, as in --threads 4"))
}

/// More than this helps on no machine, and each costs memory.
const MOST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_threads_is_one_that_helps() {
        for (text, expected) in [("1", Some(1)), ("512", Some(512)), ("0", None), ("513", None), ("-1", None), ("two", None), ("", None)] {
            assert_eq!(threads(text).ok().map(NonZero::get), expected, "{text}");
        }
    }
}
