//! Passwords. Whoever logs in has one password, made of the login name alone: a sandbox's database can be given its digest without
//! anyone knowing the original. What was refused when it was recorded is another value, so that it is refused again.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Domain, Pseudonyms, opaque};
use crate::detect::credentials::{password_of, user_of};

/// What the recorded answer said of the password in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing against it.
    Open,
    /// 401 or 403.
    Refused,
}

impl Pseudonyms {
    /// The password of whoever logs in by this name, whatever the original was: sixteen letters, digits and dashes of every kind that
    /// rules for passwords ask for. Case and white space around the name do not matter.
    pub fn password_for(&self, login: &str) -> String {
        self.spelled("password of", &[canonical_login(login).as_bytes()])
    }

    /// What stands in place of the password that was sent with a login name.
    pub(crate) fn password(&self, login: &[u8], password: &[u8], answer: Answer) -> String {
        let login = String::from_utf8_lossy(login);
        match answer {
            Answer::Open => self.password_for(&login),
            Answer::Refused => self.spelled("refused of", &[canonical_login(&login).as_bytes(), password]),
        }
    }

    fn spelled(&self, label: &str, of: &[&[u8]]) -> String {
        // The length before each keeps two texts apart that say the same together.
        let input: Vec<u8> = of.iter().flat_map(|piece| [&(piece.len() as u64).to_be_bytes()[..], piece].concat()).collect();
        let mut stream = self.prf(Domain::Password).stream(label, &input);
        let from = |stream: &mut super::prf::Stream, alphabet: &[u8]| char::from(alphabet[usize::from(stream.below(alphabet.len() as u8))]);
        (0..16)
            .map(|place| match place {
                0 => from(&mut stream, &ALPHANUMERIC[..26]),
                1 => from(&mut stream, &ALPHANUMERIC[26..52]),
                2 => from(&mut stream, &ALPHANUMERIC[52..]),
                5 | 10 => '-',
                _ => from(&mut stream, ALPHANUMERIC),
            })
            .collect()
    }

    /// `user:password`: the user as anywhere, and the password of that user.
    pub(crate) fn user_and_password(&self, text: &str, answer: Answer) -> Option<String> {
        let (user, password) = text.split_once(':').filter(|(user, password)| !user.is_empty() && !password.is_empty())?;
        let domain = if user.contains('@') { Domain::Email } else { Domain::Opaque };
        let made = self.of(domain, user.as_bytes());
        Some(format!("{}:{}", String::from_utf8_lossy(&made), self.password(user.as_bytes(), password.as_bytes(), answer)))
    }

    /// The credential of the Basic scheme: user and password in base64 (RFC 7617, section 2).
    pub(crate) fn basic(&self, token: &str, answer: Answer) -> Option<String> {
        if !(MIN_BASIC..=MAX_BASIC).contains(&token.len()) || !token.len().is_multiple_of(4) {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
        let made = (!text.contains(char::is_control)).then(|| self.user_and_password(&text, answer))??;
        Some(STANDARD.encode(made))
    }

    /// A URL with a password in it: that of its user; without one, that of the value. The rest of the URL says where it opens what.
    pub(crate) fn in_url(&self, url: &str, answer: Answer) -> Option<String> {
        let span = password_of(url.as_bytes())?;
        let (before, password, behind) = (url.get(..span.start)?, url.get(span.clone())?, url.get(span.end..)?);
        let made = match user_of(url).filter(|user| !user.is_empty()) {
            Some(user) => self.password(user.as_bytes(), password.as_bytes(), answer),
            None => String::from_utf8_lossy(&opaque::plain(self.prf(Domain::Password), password.as_bytes())).into_owned(),
        };
        Some(format!("{before}{made}{behind}"))
    }
}

/// Whether a password is stored this way rather than sent: nobody logs in with a digest.
pub(crate) fn is_digest(value: &[u8]) -> bool {
    let is_hex = matches!(value.len(), 32 | 40 | 56 | 64 | 96 | 128) && value.iter().all(u8::is_ascii_hexdigit);
    let has_method = value.len() > 12
        && (value.starts_with(b"$") && value[1..].contains(&b'$') || value.starts_with(b"pbkdf2") || value.starts_with(b"{") && value.contains(&b'}'));
    is_hex || has_method
}

fn canonical_login(login: &str) -> String {
    super::composed(login.trim()).to_lowercase()
}

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// `a:bcde` and no less, in base64.
const MIN_BASIC: usize = 8;
const MAX_BASIC: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::test_key;

    fn pseudonyms() -> Pseudonyms {
        Pseudonyms::new(&test_key())
    }

    #[test]
    fn a_login_name_has_one_password() {
        let all = pseudonyms();
        let made = all.password_for("ann@shop.example");
        assert_eq!(made, all.password_for(" Ann@Shop.example "));
        assert_eq!(made, all.password(b"ann@shop.example", b"whatever", Answer::Open));
        assert_eq!(all.password_for("jos\u{e9}"), all.password_for("jose\u{301}"));
        assert_ne!(made, all.password_for("bob@shop.example"));
        assert!(made.len() == 16 && made.contains('-') && made.contains(|c: char| c.is_ascii_uppercase()) && made.contains(|c: char| c.is_ascii_digit()));
    }

    #[test]
    fn what_was_refused_is_another_value() {
        let all = pseudonyms();
        let refused = |password: &[u8]| all.password(b"ann", password, Answer::Refused);
        assert_ne!(refused(b"wrong"), all.password_for("ann"));
        assert_ne!(refused(b"wrong"), refused(b"wrong too"));
        assert_eq!(refused(b"wrong"), refused(b"wrong"));
        assert_ne!(all.password(b"an", b"nb", Answer::Refused), all.password(b"ann", b"b", Answer::Refused));
    }

    #[test]
    fn user_and_password_are_told_apart_where_they_stand_together() {
        let all = pseudonyms();
        let user = String::from_utf8(all.of(Domain::Email, b"ann@shop.example")).expect("text");
        let expected = format!("{user}:{}", all.password_for("ann@shop.example"));
        assert_eq!(all.user_and_password("ann@shop.example:hunter2", Answer::Open), Some(expected.clone()));
        assert_eq!(all.of(Domain::Opaque, STANDARD.encode("ann@shop.example:hunter2").as_bytes()), STANDARD.encode(expected).into_bytes());
        assert_ne!(all.basic("YW5uOmh1bnRlcg==", Answer::Open), all.basic("YW5uOmh1bnRlcg==", Answer::Refused));
        for token in ["YW5uOg==", "OmI6Yw==", "abcdefgh", "AAAA", ""] {
            assert_eq!(all.basic(token, Answer::Open), None, "{token}");
        }
        assert_eq!(all.in_url("postgres://app:s3cret@db:5432/x", Answer::Open), Some(format!("postgres://app:{}@db:5432/x", all.password_for("app"))));
        assert!(all.in_url("redis://:s3cret@cache", Answer::Open).is_some_and(|url| url.starts_with("redis://:") && !url.contains("s3cret")));
    }

    #[test]
    fn digests_of_passwords_are_none() {
        for (value, expected) in [
            ("$2b$12$abcdefghijklmnopqrstuv", true),
            ("{SSHA}abcdefghijklmnop", true),
            ("pbkdf2_sha256$1$a$b", true),
            ("5f4dcc3b5aa765d61d8327deb882cf99", true),
            ("$ecret", false),
            ("correct horse", false),
        ] {
            assert_eq!(is_digest(value.as_bytes()), expected, "{value}");
        }
    }
}
