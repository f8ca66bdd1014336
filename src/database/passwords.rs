//! Password hashes: those that are read in a column, and those that take their place.
//!
//! In: the hash that stands there, and the pseudonymous password. Out: a hash of that password, of the same kind and cost, that the
//! application verifies as it did before. Its salt follows from the password, which is a keyed secret: one key makes one hash, on any machine.
//! What never happens here: a password is guessed, or a hash is kept.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use reenact_formats::config::database::HashConfig;
use sha2::{Digest, Sha256, Sha512};

/// How a password is hashed, at what cost, and how the hash is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scheme {
    /// What stands before the hash: `{bcrypt}`, as some frameworks have it.
    label: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Bcrypt { version: &'static str, cost: u32 },
    Argon2 { algorithm: Algorithm, version: Version, params: Params },
    Pbkdf2 { digest: Pbkdf2Digest, rounds: u32, length: usize, form: Form },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pbkdf2Digest {
    Sha256,
    Sha512,
}

/// How PBKDF2 is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `$pbkdf2-sha256$i=600000,l=32$salt$hash`: the PHC string format.
    Phc,
    /// `pbkdf2_sha256$600000$salt$hash`
    Django,
}

impl Scheme {
    /// How `hash` was made, if it is one that is known here.
    pub(super) fn of(hash: &str) -> Option<Self> {
        let (label, bare) = match hash.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((label, bare)) => (format!("{{{label}}}"), bare),
            None => (String::new(), hash),
        };
        let kind = bcrypt_of(bare).or_else(|| argon2_of(bare)).or_else(|| pbkdf2_of(bare))?;
        Some(Self { label, kind })
    }

    /// That which a policy names; none if it is to stay as it is. Without a cost it is that of the day's advice for new hashes.
    pub(super) fn configured(hash: HashConfig, cost: Option<u32>) -> Option<Self> {
        let kind = match hash {
            HashConfig::Same => return None,
            HashConfig::Bcrypt => Kind::Bcrypt { version: "2b", cost: 10 },
            HashConfig::Argon2id => {
                Kind::Argon2 { algorithm: Algorithm::Argon2id, version: Version::V0x13, params: Params::new(19 * 1024, 2, 1, Some(32)).ok()? }
            }
            HashConfig::Pbkdf2Sha256 => Kind::Pbkdf2 { digest: Pbkdf2Digest::Sha256, rounds: 600_000, length: 32, form: Form::Phc },
            HashConfig::Pbkdf2Django => Kind::Pbkdf2 { digest: Pbkdf2Digest::Sha256, rounds: 600_000, length: 32, form: Form::Django },
        };
        let scheme = Self { label: String::new(), kind };
        match cost {
            Some(cost) => scheme.with_cost(cost),
            None => Some(scheme),
        }
    }

    /// The same at another cost, if there is such a cost.
    pub(super) fn with_cost(mut self, wanted: u32) -> Option<Self> {
        match &mut self.kind {
            Kind::Bcrypt { cost, .. } => *cost = Some(wanted).filter(|cost| BCRYPT_COSTS.contains(cost))?,
            Kind::Argon2 { params, .. } => *params = Params::new(params.m_cost(), wanted, params.p_cost(), params.output_len()).ok()?,
            Kind::Pbkdf2 { rounds, .. } => *rounds = Some(wanted).filter(|rounds| *rounds > 0)?,
        }
        Some(self)
    }

    /// Whether both are the same way to hash, whatever they cost and however they are written.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(&self.kind) == std::mem::discriminant(&other.kind)
    }

    /// The hash of `password`. None if the cost is more than this machine can bear.
    pub(super) fn hash(&self, password: &str) -> Option<String> {
        let salt = salt_of(password);
        let hash = match &self.kind {
            Kind::Bcrypt { version, cost } => {
                let mut hash = bcrypt::hash_with_salt(password, *cost, salt).ok()?.to_string();
                // All versions hash alike what is ASCII.
                hash.replace_range(1..3, version);
                hash
            }
            Kind::Argon2 { algorithm, version, params } => {
                let mut out = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
                Argon2::new(*algorithm, *version, params.clone()).hash_password_into(password.as_bytes(), &salt, &mut out).ok()?;
                let costs = format!("m={},t={},p={}", params.m_cost(), params.t_cost(), params.p_cost());
                format!("${}$v={}${costs}${}${}", algorithm.as_str(), u32::from(*version), STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(out))
            }
            Kind::Pbkdf2 { digest, rounds, length, form } => {
                let written = STANDARD_NO_PAD.encode(salt);
                let mut out = vec![0; *length];
                // Django's salt is the text itself.
                let salt = if *form == Form::Django { written.as_bytes() } else { &salt };
                let word = match digest {
                    Pbkdf2Digest::Sha256 => {
                        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, *rounds, &mut out);
                        "sha256"
                    }
                    Pbkdf2Digest::Sha512 => {
                        pbkdf2::pbkdf2_hmac::<Sha512>(password.as_bytes(), salt, *rounds, &mut out);
                        "sha512"
                    }
                };
                match form {
                    Form::Phc => format!("$pbkdf2-{word}$i={rounds},l={length}${written}${}", STANDARD_NO_PAD.encode(out)),
                    Form::Django => format!("pbkdf2_{word}${rounds}${written}${}", STANDARD.encode(out)),
                }
            }
        };
        Some(format!("{}{hash}", self.label))
    }

    /// The word for it in plans.
    pub(super) const fn word(&self) -> &'static str {
        match self.kind {
            Kind::Bcrypt { .. } => "bcrypt",
            Kind::Argon2 { .. } => "argon2",
            Kind::Pbkdf2 { .. } => "pbkdf2",
        }
    }
}

/// `$2b$10$` and 53 characters: 22 of the salt, 31 of the hash.
fn bcrypt_of(hash: &str) -> Option<Kind> {
    let (version, rest) = hash.strip_prefix('$')?.split_once('$')?;
    let version = ["2a", "2b", "2x", "2y"].into_iter().find(|known| *known == version)?;
    let (cost, digest) = rest.split_once('$')?;
    let cost = cost.parse().ok().filter(|cost| BCRYPT_COSTS.contains(cost))?;
    (digest.len() == 53 && digest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'))).then_some(Kind::Bcrypt { version, cost })
}

/// `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`
fn argon2_of(hash: &str) -> Option<Kind> {
    let fields: Vec<&str> = hash.strip_prefix('$')?.split('$').collect();
    let [algorithm, version, costs, _salt, digest] = fields[..] else { return None };
    let algorithm = Algorithm::new(algorithm).ok()?;
    let version = Version::try_from(version.strip_prefix("v=")?.parse::<u32>().ok()?).ok()?;
    let cost = |name: &str| costs.split(',').find_map(|cost| cost.strip_prefix(name)?.strip_prefix('=')?.parse().ok());
    let length = STANDARD_NO_PAD.decode(digest).ok()?.len();
    let params = Params::new(cost("m")?, cost("t")?, cost("p")?, Some(length)).ok()?;
    Some(Kind::Argon2 { algorithm, version, params })
}

fn pbkdf2_of(hash: &str) -> Option<Kind> {
    let digest_of = |word: &str| match word {
        "sha256" => Some(Pbkdf2Digest::Sha256),
        "sha512" => Some(Pbkdf2Digest::Sha512),
        _ => None,
    };
    let fields: Vec<&str> = hash.split('$').collect();
    let (digest, rounds, encoded, form) = match fields[..] {
        ["", name, costs, _salt, encoded] => {
            let rounds = costs.split(',').find_map(|cost| cost.strip_prefix("i="))?;
            (digest_of(name.strip_prefix("pbkdf2-")?)?, rounds, encoded, Form::Phc)
        }
        [name, rounds, _salt, encoded] => (digest_of(name.strip_prefix("pbkdf2_")?)?, rounds, encoded, Form::Django),
        _ => return None,
    };
    let length = STANDARD_NO_PAD.decode(encoded.trim_end_matches('=')).ok().map(|hash| hash.len()).filter(|length| (1..=64).contains(length))?;
    let rounds = rounds.parse().ok().filter(|rounds| *rounds > 0)?;
    Some(Kind::Pbkdf2 { digest, rounds, length, form })
}

/// The salt for a password that is itself a secret of its own: under a label, so that it tells nothing of it.
fn salt_of(password: &str) -> [u8; 16] {
    let digest = Sha256::new().chain_update("reenact salt 1").chain_update(password).finalize();
    digest[..16].try_into().expect("SHA-256 gives 32 bytes")
}

const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=31;

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that others made: the PHC example of argon2's own command, Django's documentation form, OpenBSD's bcrypt.
    const HASHES: [&str; 6] = [
        "$2b$04$abcdefghijklmnopqrstuuzUh9HdX0GY6N09kEi4AvO0wWvHqdxZC",
        "{bcrypt}$2a$04$abcdefghijklmnopqrstuuzUh9HdX0GY6N09kEi4AvO0wWvHqdxZC",
        "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21l$RdescudvJCsgt3ub+b27dWRJJTmaaJObG9+1DMSfN1s",
        "pbkdf2_sha256$1000$abcdefgh$Jw6dG2lQf8xgLbpcbwzCMVTdCQZLrdOfvT0RjOZp1JA=",
        "$pbkdf2-sha512$i=1000,l=32$c29tZXNhbHQ$RdescudvJCsgt3ub+b27dWRJJTmaaJObG9+1DMSfN1s",
        "$pbkdf2-sha256$i=1000$c29tZXNhbHQ$RdescudvJCsgt3ub+b27dWRJJTmaaJObG9+1DMSfN1s",
    ];

    #[test]
    fn what_is_read_is_written_alike() {
        for hash in HASHES {
            let scheme = Scheme::of(hash).unwrap_or_else(|| panic!("{hash} is known"));
            let made = scheme.hash("a pseudonym").expect("cheap");
            assert_eq!(Scheme::of(&made), Some(scheme.clone()), "{made}");
            assert_eq!(scheme.hash("a pseudonym"), Some(made.clone()));
            assert_ne!(scheme.hash("another"), Some(made));
        }
    }

    #[test]
    fn others_verify_it() {
        let of = |hash: &str| Scheme::of(hash).expect("known").hash("a pseudonym").expect("cheap");
        assert!(bcrypt::verify("a pseudonym", &of(HASHES[0])).expect("a hash") && !bcrypt::verify("a password", &of(HASHES[0])).expect("a hash"));
        assert!(of(HASHES[1]).starts_with("{bcrypt}$2a$04$"));
        // The salt in the text is the one that was used.
        let django = of(HASHES[3]);
        let fields: Vec<&str> = django.split('$').collect();
        let mut out = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(b"a pseudonym", fields[2].as_bytes(), 1000, &mut out);
        assert_eq!(fields[3], STANDARD.encode(out));
        let phc = of(HASHES[2]);
        let fields: Vec<&str> = phc.split('$').collect();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 2, 1, Some(32)).expect("costs"));
        argon2.hash_password_into(b"a pseudonym", &STANDARD_NO_PAD.decode(fields[4]).expect("base64"), &mut out).expect("cheap");
        assert_eq!(fields[5], STANDARD_NO_PAD.encode(out));
    }

    #[test]
    fn what_is_no_hash_is_none() {
        for text in ["", "secret", "$", "$2b$", "{", "{x}", "$2b$99$abc", "pbkdf2_sha256$0$s$aGFzaA==", "pbkdf2_md5$1$s$aGFzaA==", "$argon2id$v=19$m=1$a$b"] {
            assert_eq!(Scheme::of(text), None, "{text}");
        }
        for hash in HASHES {
            for end in 0..hash.len() {
                // Cut anywhere it is another hash or none; never a panic.
                let _ = Scheme::of(&hash[..end]);
            }
        }
    }

    #[test]
    fn the_policy_sets_kind_and_cost() {
        assert_eq!(Scheme::configured(HashConfig::Same, None), None);
        for (hash, cost, expected) in [
            (HashConfig::Bcrypt, 4, "$2b$04$"),
            (HashConfig::Argon2id, 1, "$argon2id$v=19$m=19456,t=1,p=1$"),
            (HashConfig::Pbkdf2Sha256, 10, "$pbkdf2-sha256$i=10,l=32$"),
            (HashConfig::Pbkdf2Django, 10, "pbkdf2_sha256$10$"),
        ] {
            let made = Scheme::configured(hash, Some(cost)).and_then(|scheme| scheme.hash("x")).expect("cheap");
            assert!(made.starts_with(expected), "{made}");
        }
        assert_eq!(Scheme::configured(HashConfig::Bcrypt, Some(3)), None);
    }
}
