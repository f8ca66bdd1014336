//! A file of lines.

use bytes::Bytes;

use super::input::Input;
use crate::Error;

/// A line without its end.
pub(super) enum Line {
    Text(Bytes),
    /// One that is longer than anything that is read.
    TooLong,
}

/// The next line that is not empty.
pub(super) fn next(input: &mut Input) -> Result<Option<Line>, Error> {
    let (mut searched, mut is_too_long) = (0, false);
    loop {
        let window = input.window();
        let end = memchr::memchr(b'\n', &window[searched..]).map(|offset| searched + offset);
        if let Some(end) = end.or_else(|| (input.has_ended() && !window.is_empty()).then_some(window.len())) {
            let text = window[..end].trim_ascii();
            let line = if is_too_long { Some(Line::TooLong) } else { (!text.is_empty()).then(|| Line::Text(Bytes::copy_from_slice(text))) };
            input.pass((end + 1).min(window.len()));
            if line.is_some() {
                return Ok(line);
            }
            (searched, is_too_long) = (0, false);
            continue;
        }
        if input.has_ended() {
            return Ok(is_too_long.then_some(Line::TooLong));
        }
        searched = window.len();
        if searched > LONGEST_LINE {
            is_too_long = true;
            input.pass(std::mem::take(&mut searched));
        }
        input.fill(input.window().len() + 1)?;
    }
}

/// The first line of a file, as far as its beginning shows it.
pub(super) fn first(beginning: &[u8]) -> &[u8] {
    let text = beginning.trim_ascii_start();
    text[..memchr::memchr(b'\n', text).unwrap_or(text.len())].trim_ascii()
}

/// A longer line is passed over.
const LONGEST_LINE: usize = 64 << 20;
