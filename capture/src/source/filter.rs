//! Filter words, as tcpdump takes them, applied to packets of files. On live links the kernel applies them.

use std::collections::BTreeMap;

use pcap::{BpfProgram, Capture, Linktype};

use super::Link;
use crate::Error;

pub(crate) struct Filter {
    words: String,
    /// A program for each link type: a pcapng file may have several.
    programs: BTreeMap<Link, BpfProgram>,
}

impl Filter {
    /// Checks the words, so that a mistake is reported before anything is read.
    pub(crate) fn new(words: &str) -> Result<Self, Error> {
        let mut filter = Self { words: words.to_owned(), programs: BTreeMap::new() };
        filter.compile(ETHERNET)?;
        Ok(filter)
    }

    pub(crate) fn passes(&mut self, link: Link, data: &[u8]) -> Result<bool, Error> {
        if !self.programs.contains_key(&link) {
            self.compile(link)?;
        }
        Ok(self.programs.get(&link).is_some_and(|program| program.filter(data)))
    }

    fn compile(&mut self, link: Link) -> Result<(), Error> {
        let refuse = |error: pcap::Error| Error::Filter { words: self.words.clone(), reason: error.to_string() };
        // Files number raw IP otherwise than the library does.
        let number = if link == Link(101) { 12 } else { i32::try_from(link.0).unwrap_or(i32::MAX) };
        let program = Capture::dead(Linktype(number)).and_then(|dead| dead.compile(&self.words, true)).map_err(refuse)?;
        self.programs.insert(link, program);
        Ok(())
    }
}

const ETHERNET: Link = Link(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_words() {
        let error = Filter::new("tcp prt 80").map(|_| ()).expect_err("no such word");
        assert!(error.to_string().starts_with("cannot use the filter `tcp prt 80`: "), "{error}");
    }
}
