//! The elements of one array within a JSON text, one by one, however deep what stands around them is.
//!
//! ```text
//! { "log": { …, "entries": [ ELEMENT, ELEMENT, … ], … } }
//! ```
//!
//! The text flows in; each element's text flows out, whole. What an element holds is for others to read: one that is no JSON spoils nothing but itself,
//! as long as its brackets and quotes are in order.

use bytes::Bytes;

use super::input::Input;
use crate::Error;

pub(super) struct Elements<'p> {
    /// The names that lead to the array.
    path: &'p [&'p [u8]],
    /// The member that is read at each level above it.
    names: Vec<Vec<u8>>,
    depth: usize,
    is_within: bool,
    /// How far the window was looked through.
    looked: usize,
    in_string: Option<Quoted>,
    /// Where an element begins in the window.
    begun: Option<usize>,
    /// The last text, which may be a member's name.
    text: Vec<u8>,
}

/// Within quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoted {
    Plain,
    /// Behind a backslash.
    Escaped,
}

/// What comes next.
pub(super) enum Element {
    /// A whole one.
    Whole(Bytes),
    /// One that is longer than anything that is read.
    TooLong,
    /// There is no other.
    End,
    /// The text ends within the array, or a `}` does what only its `]` may.
    Cut,
    /// There is no such array.
    Absent,
}

impl<'p> Elements<'p> {
    pub(super) const fn of(path: &'p [&'p [u8]]) -> Self {
        Self { path, names: Vec::new(), depth: 0, is_within: false, looked: 0, in_string: None, begun: None, text: Vec::new() }
    }

    pub(super) fn next(&mut self, input: &mut Input, longest: usize) -> Result<Element, Error> {
        let mut is_too_long = false;
        loop {
            let window = input.window();
            while let Some(byte) = window.get(self.looked).copied() {
                let at = self.looked;
                self.looked += 1;
                let Some(end) = self.look(byte, at) else { continue };
                let element = match self.begun.take() {
                    Some(_) if is_too_long => Some(Element::TooLong),
                    Some(begun) => Some(Element::Whole(Bytes::copy_from_slice(&window[begun..end]))),
                    None => None,
                };
                let is_over = !self.is_within;
                if element.is_some() || is_over {
                    // What ends the array is looked at again where it ends an element, too.
                    let passed = if is_over && element.is_some() { at } else { self.looked };
                    if is_over && element.is_some() {
                        self.is_within = true;
                        self.depth += 1;
                    }
                    input.pass(passed);
                    self.looked = 0;
                    return Ok(element.unwrap_or(if byte == b']' { Element::End } else { Element::Cut }));
                }
            }
            let looked = self.looked;
            match self.begun {
                // An element so long is not kept.
                Some(begun) if looked - begun > longest => {
                    is_too_long = true;
                    self.begun = Some(0);
                    input.pass(looked);
                    self.looked = 0;
                }
                Some(begun) => {
                    input.pass(begun);
                    self.begun = Some(0);
                    self.looked -= begun;
                }
                None => {
                    input.pass(looked);
                    self.looked = 0;
                }
            }
            let wanted = input.window().len() + 1;
            if input.fill(wanted)?.len() < wanted {
                return Ok(if self.is_within { Element::Cut } else { Element::Absent });
            }
        }
    }

    /// Takes the byte at `at`. Where it ends an element, or the array: where the element ends.
    fn look(&mut self, byte: u8, at: usize) -> Option<usize> {
        let own = self.path.len() + 1;
        if let Some(quoted) = self.in_string {
            self.in_string = match (quoted, byte) {
                (Quoted::Escaped, _) => Some(Quoted::Plain),
                (Quoted::Plain, b'\\') => Some(Quoted::Escaped),
                (Quoted::Plain, b'"') => None,
                (Quoted::Plain, _) => Some(Quoted::Plain),
            };
            if self.in_string.is_some() && !self.is_within && self.text.len() <= LONGEST_NAME {
                self.text.push(byte);
            }
            return None;
        }
        if self.is_within && self.depth == own && self.begun.is_none() && !byte.is_ascii_whitespace() && !matches!(byte, b',' | b']' | b'}') {
            self.begun = Some(at);
        }
        match byte {
            b'"' => {
                self.in_string = Some(Quoted::Plain);
                self.text.clear();
            }
            b':' if !self.is_within && (1..=self.path.len()).contains(&self.depth) => {
                self.names.truncate(self.depth - 1);
                self.names.push(std::mem::take(&mut self.text));
            }
            b'{' | b'[' => {
                self.depth += 1;
                let leads_here = || self.names.len() == self.path.len() && self.names.iter().zip(self.path).all(|(name, wanted)| name == wanted);
                self.is_within |= byte == b'[' && self.depth == own && leads_here();
            }
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                if self.is_within && self.depth < own {
                    self.is_within = false;
                    return Some(at);
                }
                if self.is_within && self.depth == own {
                    return Some(at + 1);
                }
            }
            b',' if self.is_within && self.depth == own && self.begun.is_some() => return Some(at),
            _ => {}
        }
        None
    }
}

/// A longer name leads nowhere.
const LONGEST_NAME: usize = 32;
