//! Out of gzip.
//!
//! Compressed bytes flow in, members behind one another; plain bytes flow out: all that can be unpacked, then the damage with its
//! place if there is any. What never happens here: what comes out, or where the damage is said to be, depends on how much is given or asked for at a time.

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

pub(super) struct Unpacked<R> {
    source: R,
    /// Nothing between two members.
    member: Option<Decompress>,
    /// Compressed bytes that were passed.
    passed: u64,
    is_damaged: bool,
}

/// What comes behind so many compressed bytes cannot be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is damaged or cut off near byte {0}: what is left of it cannot be unpacked")]
pub(super) struct Damage(u64);

impl<R: BufRead> Unpacked<R> {
    pub(super) const fn new(source: R) -> Self {
        Self { source, member: None, passed: 0, is_damaged: false }
    }
}

impl<R: BufRead> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !into.is_empty() {
            if self.is_damaged {
                return Err(io::Error::new(io::ErrorKind::InvalidData, Damage(self.passed)));
            }
            let packed = self.source.fill_buf()?;
            if self.member.is_none() && packed.is_empty() {
                break;
            }
            let member = self.member.get_or_insert_with(|| Decompress::new_gzip(WINDOW));
            let before = [member.total_in(), member.total_out()];
            let status = member.decompress(packed, into, FlushDecompress::None);
            // Where it fails, it has unpacked what comes before: that goes first.
            let [taken, given] = [member.total_in() - before[0], member.total_out() - before[1]].map(|length| length as usize);
            self.source.consume(taken);
            self.passed += taken as u64;
            match status {
                Ok(Status::StreamEnd) => self.member = None,
                Ok(_) => self.is_damaged = taken + given == 0,
                Err(_) => self.is_damaged = true,
            }
            if given > 0 {
                return Ok(given);
            }
        }
        Ok(0)
    }
}

/// The largest that there is, as a power of two.
const WINDOW: u8 = 15;

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write as _};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(plain: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(plain).unwrap();
        packed.finish().unwrap()
    }

    /// What comes out, and where it is damaged.
    fn unpacked(packed: &[u8], given: usize, asked: usize) -> (Vec<u8>, Option<Damage>) {
        let mut source = Unpacked::new(BufReader::with_capacity(given, packed));
        let (mut plain, mut room) = (Vec::new(), vec![0; asked]);
        loop {
            match source.read(&mut room) {
                Ok(0) => return (plain, None),
                Ok(read) => plain.extend(&room[..read]),
                Err(error) => return (plain, Some(*error.get_ref().unwrap().downcast_ref().unwrap())),
            }
        }
    }

    #[test]
    fn what_comes_out_depends_on_the_bytes_alone() {
        let lines: String = (0..60).map(|line| format!("{} of the lines, {}\n", line * line, line * 7919 % 61)).collect();
        let (first, second) = (packed(lines.as_bytes()), packed(b"and one"));
        let whole = [&first[..], &second].concat();
        assert_eq!(unpacked(&whole, 1 << 10, 1 << 10), ([lines.as_bytes(), b"and one"].concat(), None));
        let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
        let altered = (0..whole.len()).flat_map(|at| {
            [0x01, 0x10, 0xff].map(|bits| {
                let mut altered = whole.clone();
                altered[at] ^= bits;
                altered
            })
        });
        let (mut damaged, mut early) = (0, 0);
        for data in cut.chain(altered).chain([[&whole[..], b"\0"].concat()]) {
            let at_once = unpacked(&data, 1 << 16, 1 << 16);
            for (given, asked) in [(1, 1 << 16), (1 << 16, 1), (1, 1), (7, 300), (300, 7)] {
                assert_eq!(unpacked(&data, given, asked), at_once, "{given} given, {asked} asked for of {data:02x?}");
            }
            damaged += usize::from(at_once.1.is_some());
            early += usize::from(at_once.1.is_some() && !at_once.0.is_empty());
        }
        assert!(damaged > whole.len() && early > whole.len(), "{damaged} {early} of {}", whole.len());
    }

    #[test]
    fn what_comes_before_the_damage_comes_out() {
        let (first, second) = (packed(b"one"), packed(b"two"));
        let both = [&first[..], &second].concat();
        let mut check = both.clone();
        check[both.len() - 8] ^= 1;
        let length = both.len() as u64;
        for (data, plain, damage) in [
            (&both[..], "onetwo", None),
            (&both[..both.len() - 8], "onetwo", Some(length - 8)),
            (&both[..=first.len()], "one", Some(first.len() as u64 + 1)),
            (&check, "onetwo", Some(length - 4)),
            (b"", "", None),
        ] {
            assert_eq!(unpacked(data, 64, 64), (plain.into(), damage.map(Damage)));
        }
    }
}
