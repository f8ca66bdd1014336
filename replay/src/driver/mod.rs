//! What speaks to targets: one driver for each protocol.

pub(crate) mod http1;
