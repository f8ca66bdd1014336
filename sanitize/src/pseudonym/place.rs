//! Places on the map: one decimal stays, which is a town; the others are replaced, so that equal places stay equal and a number keeps its
//! digits.

use super::prf::Prf;

/// Each number with more than one decimal. `None` if there is none.
pub(super) fn coarse(prf: &Prf, text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut found) = (text, false);
    while let Some(point) = rest.find('.') {
        let (before, decimals) = rest.split_at(point + 1);
        let length = decimals.bytes().take_while(u8::is_ascii_digit).count();
        let whole = &before[..point];
        let digits = whole.bytes().rev().take_while(u8::is_ascii_digit).count();
        out.push_str(before);
        rest = &decimals[length..];
        if digits == 0 || length <= KEPT {
            out.push_str(&decimals[..length]);
            continue;
        }
        found = true;
        let start = whole.len() - digits;
        let sign = if whole[..start].ends_with('-') { "-" } else { "" };
        let (kept, replaced) = decimals[..length].split_at(KEPT);
        let places: Vec<(u8, u8)> = replaced.bytes().map(|byte| (byte - b'0', 10)).collect();
        let tweak = format!("place {sign}{}.{kept}", whole[start..].trim_start_matches('0'));
        let images = (0..u8::MAX)
            .map(|attempt| prf.permute_places(&format!("{tweak} {attempt}"), &places))
            .find(|made| made.iter().zip(&places).any(|(made, (was, _))| made != was))?;
        out.push_str(kept);
        out.extend(images.into_iter().map(|digit| char::from(digit + b'0')));
    }
    out.push_str(rest);
    found.then_some(out)
}

/// About eleven kilometres.
const KEPT: usize = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_town_stays_and_a_house_does_not() {
        let prf = Prf::new(&[7; 32]);
        for text in ["48.953666", "-97.409098", "48.953666,-97.409098", "geo:52.516272, 13.377722;u=35", "7.73"] {
            let made = coarse(&prf, text).expect("a place");
            assert!(made != text && made.len() == text.len(), "{made}");
            for (was, is) in text.split([',', ';']).zip(made.split([',', ';'])) {
                let kept = was.find('.').map_or(was.len(), |point| point + 2);
                assert_eq!(was[..kept], is[..kept]);
            }
        }
        for text in ["52", "48.9", "9F4MF8F6+6F", "..", ""] {
            assert_eq!(coarse(&prf, text), None, "{text}");
        }
        assert!(coarse(&prf, "1.23,1.23").is_some_and(|made| made[..4] == made[5..]));
    }
}
