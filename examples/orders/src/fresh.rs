//! What the service makes anew: ids, tokens, codes, clock times. Random bytes flow in, text flows out.
//!
//! Nothing here is derived from what a client sent, so that two services never agree on these values.

/// An id of `length` characters behind a prefix that says what it names.
pub(crate) fn id(prefix: &str, length: usize) -> String {
    format!("{prefix}{}", text(LOWER, length))
}

/// A random UUID, version 4.
pub(crate) fn uuid() -> String {
    let mut bytes: [u8; 16] = bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A session token.
pub(crate) fn token() -> String {
    text(MIXED, 40)
}

/// A code that a person types once.
pub(crate) fn activation_code() -> String {
    text(UPPER, 12)
}

/// The salt of one password.
pub(crate) fn salt() -> [u8; 16] {
    bytes()
}

/// Now, to the millisecond.
pub(crate) fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)])).collect()
}

/// A byte maps to a character modulo the alphabet: slightly uneven, and still far beyond guessing.
fn text(alphabet: &[u8], length: usize) -> String {
    let random = bytes::<64>();
    random.iter().cycle().take(length).map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()])).collect()
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    bytes
}

const LOWER: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_values_have_their_shapes_and_differ() {
        let shape = |value: &str| value.chars().map(|c| if c.is_ascii_alphanumeric() { 'x' } else { c }).collect::<String>();
        assert_eq!(shape(&uuid()), "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
        assert_eq!(&uuid()[14..15], "4");
        assert_eq!(shape(&id("adr-", 4)), "xxx-xxxx");
        assert_eq!(shape(&now()), "xxxx-xx-xxxxx:xx:xx.xxxx");
        assert_eq!((token().len(), activation_code().len()), (40, 12));
        assert_ne!(token(), token());
    }
}
