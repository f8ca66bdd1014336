//! Recorded bytes in scripts: as data, never as anything that a shell or an engine would run.
//!
//! Bytes flow in, a literal flows out. What never happens here: a byte of a value ends the literal that it stands in.

use std::fmt::Write as _;

/// A word for a POSIX shell: in single quotes, in which nothing but a single quote means anything. A NUL, which no argument can hold, is left out.
pub(super) fn shell_word(value: &[u8]) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in value {
        match byte {
            b'\'' => word.extend_from_slice(b"'\\''"),
            0 => {}
            byte => word.push(*byte),
        }
    }
    word.push(b'\'');
    word
}

/// A format for the shell's `printf` that prints these bytes, in single quotes: all but plain letters, digits and a few marks are octal.
pub(super) fn printf_format(bytes: &[u8]) -> String {
    let mut format = String::with_capacity(bytes.len() * 2 + 2);
    format.push('\'');
    for byte in bytes {
        if byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b' ' | b'"'
                    | b','
                    | b'.'
                    | b':'
                    | b';'
                    | b'='
                    | b'&'
                    | b'/'
                    | b'_'
                    | b'{'
                    | b'}'
                    | b'['
                    | b']'
                    | b'('
                    | b')'
                    | b'<'
                    | b'>'
                    | b'+'
                    | b'*'
                    | b'@'
            )
        {
            format.push(char::from(*byte));
        } else {
            let _ = write!(format, "\\{byte:03o}");
        }
    }
    format.push('\'');
    format
}

/// A string literal of JavaScript, in ASCII alone: no line separator, no end of a script element, no half of a surrogate pair gets through.
pub(super) fn script_string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for unit in text.encode_utf16() {
        match u8::try_from(unit).map(char::from) {
            Ok(plain) if plain.is_ascii_graphic() && !matches!(plain, '"' | '\\' | '<' | '>' | '&' | '\'' | '`' | '$') || unit == 0x20 => {
                literal.push(plain_of(unit))
            }
            _ => {
                let _ = write!(literal, "\\u{unit:04x}");
            }
        }
    }
    literal.push('"');
    literal
}

fn plain_of(unit: u16) -> char {
    char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a shell makes of a word.
    fn read(word: &[u8]) -> Vec<u8> {
        let (mut value, mut is_quoted, mut bytes) = (Vec::new(), false, word.iter());
        while let Some(byte) = bytes.next() {
            match (is_quoted, byte) {
                (_, b'\'') => is_quoted = !is_quoted,
                (true, byte) => value.push(*byte),
                (false, b'\\') => value.extend(bytes.next()),
                (false, _) => panic!("something stands outside of the quotes"),
            }
        }
        assert!(!is_quoted, "a quote is open");
        value
    }

    #[test]
    fn any_bytes_stay_what_they_are() {
        for pair in (0..=u16::MAX).map(u16::to_be_bytes) {
            let value = [&pair[..], b"'", &pair[..]].concat();
            let expected: Vec<u8> = value.iter().copied().filter(|byte| *byte != 0).collect();
            assert_eq!(read(&shell_word(&value)), expected);
            let format = printf_format(&value);
            let inner = format.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap();
            assert!(inner.is_ascii() && !inner.contains(['\'', '%', '\n', '$', '`']), "{inner}");
            let text = String::from_utf8_lossy(&value);
            let literal = script_string(&text);
            assert!(literal.is_ascii() && !literal[1..literal.len() - 1].contains(['"', '\'', '<', '`', '$', '\n', '\r']), "{literal}");
            // JSON is a part of JavaScript.
            assert_eq!(serde_json::from_str::<String>(&literal).unwrap(), text);
        }
    }

    #[test]
    fn nothing_ends_a_literal() {
        assert_eq!(shell_word(b"a'; rm -rf / #\n$(x)`y`\\"), b"'a'\\''; rm -rf / #\n$(x)`y`\\'");
        assert_eq!(shell_word(b"a\0b"), b"'ab'");
        assert_eq!(printf_format(b"a'%\\\n\xff\0"), r"'a\047\045\134\012\377\000'");
        assert_eq!(script_string("a\"\\\n</script>${x}\u{2028}😀é"), r#""a\u0022\u005c\u000a\u003c/script\u003e\u0024{x}\u2028\ud83d\ude00\u00e9""#);
    }
}
