//! The Internet checksum (RFC 1071).

use super::flow_key::Addresses;

/// What the sum over bytes is in which a checksum stands, if that is right.
pub(super) const RIGHT: u16 = 0xffff;

/// The sum in ones' complement of the two-byte numbers in `data`.
pub(super) fn sum(data: &[u8]) -> u16 {
    fold(add(data))
}

/// The same over a TCP segment and what stands before it (RFC 9293, section 3.1; RFC 8200, section 8.1).
pub(super) fn of_tcp(addresses: Addresses, segment: &[u8]) -> u16 {
    let addresses = match addresses {
        Addresses::V4(addresses) => addresses.map(|address| add(&address.to_be_bytes())),
        Addresses::V6(addresses) => addresses.map(|address| add(&address)),
    };
    let length = u32::try_from(segment.len()).unwrap_or(u32::MAX);
    fold(addresses[0] + addresses[1] + add(&length.to_be_bytes()) + add(&[0, 6]) + add(segment))
}

/// In the machine's own byte order: the sum is the same, but for its own order (RFC 1071, section 2).
fn add(data: &[u8]) -> u64 {
    // Four at a time: no carry is lost below 2³² of them.
    let (words, rest) = data.as_chunks::<4>();
    let mut sum: u64 = words.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    sum += u64::from(u32::from_ne_bytes(last));
    sum
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    u16::try_from(sum).expect("folded to two bytes").to_be()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_as_the_standard_does() {
        // RFC 1071, section 3.
        assert_eq!(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), 0xddf2);
        for (data, expected) in [(&[][..], 0), (&[0xab], 0xab00), (&[0xab, 0xcd, 0x12], 0xbdcd), (&[0xff, 0xff, 0, 1], 1)] {
            assert_eq!(sum(data), expected, "{data:x?}");
        }
    }

    #[test]
    fn any_length_adds_up_like_one_number_at_a_time() {
        let data: Vec<u8> = (0..2000u32).map(|at| (at * 97 % 251) as u8).collect();
        for length in (0..70).chain([1459, 1460, 1999]) {
            let slow = data[..length].chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u32::from(*low)));
            let slow = slow.fold(0, |sum, number| (sum + number) % 0xffff);
            assert_eq!(u32::from(sum(&data[..length])) % 0xffff, slow, "{length}");
        }
    }
}
