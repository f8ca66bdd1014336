//! Who is visited: someone who takes leaves, and may know whole JSON containers already.
//!
//! In: leaves in the order of the bytes, and before those of an object or an array, if it is asked for, the container. Out: whether its leaves are
//! wanted. Nothing here looks into a value.

use std::ops::Range;

use super::leaf::Leaf;

/// Takes what a visit finds.
pub trait Visitor {
    /// One value.
    fn leaf(&mut self, leaf: Leaf<'_>);

    /// How many bytes the JSON containers take that [`enter`](Self::enter) is asked of; of others it is not.
    fn containers(&self) -> Range<usize> {
        0..0
    }

    /// An object or an array of a body that is JSON, before its leaves. No other container of the body has its path.
    fn enter(&mut self, _container: &Container<'_>) -> Entry {
        Entry::Visit
    }

    /// All leaves of the container that was entered last have been handed out.
    fn leave(&mut self) {}
}

/// A visitor that takes leaves and nothing else.
pub(super) struct Leaves<F>(F);

pub(super) const fn leaves<F: FnMut(Leaf<'_>)>(f: F) -> Leaves<F> {
    Leaves(f)
}

impl<F: FnMut(Leaf<'_>)> Visitor for Leaves<F> {
    fn leaf(&mut self, leaf: Leaf<'_>) {
        (self.0)(leaf);
    }
}

/// A JSON object or array in a body.
#[derive(Clone, Copy)]
pub struct Container<'a> {
    /// Its own path, as those of [leaves](Leaf::path).
    pub path: &'a str,
    /// The name that holds for its elements, if it is an array, and for itself.
    pub name: Option<&'a str>,
    /// Where it begins in the body once its content coding is undone.
    pub start: usize,
    /// Its bytes, with the brackets.
    pub raw: &'a [u8],
}

/// Whether to go into a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Its leaves are wanted.
    Visit,
    /// They are not.
    Pass,
}
