//! Secrets that vendors mark by a prefix: one automaton over all prefixes, then the shape behind it.
//!
//! The rule pack as of November 2026. A prefix counts only where no letter or digit stands before it, and only with as many
//! characters of its alphabet behind it as the vendor's tokens have, give or take what may change.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use reenact_formats::config::policy::RuleName;

/// What may follow a prefix.
#[derive(Debug, Clone, Copy)]
enum Alphabet {
    Alphanumeric,
    Upper,
    Hex,
    /// Letters, digits, `-` and `_`.
    Url,
    /// That and `.`.
    Dotted,
    /// Letters, digits, `/`, `+`, `-`, `_`, `=`.
    Base64,
}

impl Alphabet {
    const fn has(self, byte: u8) -> bool {
        match self {
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'-' | b'_' | b'='),
        }
    }
}

struct Token {
    rule: RuleName,
    prefix: &'static str,
    alphabet: Alphabet,
    /// How many characters follow at least.
    at_least: usize,
    /// Whether exactly so many follow.
    exact: bool,
}

const fn at_least(rule: RuleName, prefix: &'static str, alphabet: Alphabet, at_least: usize) -> Token {
    Token { rule, prefix, alphabet, at_least, exact: false }
}

const fn exactly(rule: RuleName, prefix: &'static str, alphabet: Alphabet, length: usize) -> Token {
    Token { rule, prefix, alphabet, at_least: length, exact: true }
}

/// The tokens in `text`, in order, with the rules that they are found by.
pub(crate) fn find(text: &[u8]) -> Vec<(Range<usize>, RuleName)> {
    let mut found: Vec<(Range<usize>, RuleName)> = Vec::new();
    for prefix in AUTOMATON.find_overlapping_iter(text) {
        let token = &TOKENS[prefix.pattern().as_usize()];
        if prefix.start() > 0 && (text[prefix.start() - 1].is_ascii_alphanumeric() || text[prefix.start() - 1] == b'_') {
            continue;
        }
        if found.last().is_some_and(|(last, _)| last.end >= prefix.end() + token.at_least) {
            continue;
        }
        // One more than there may be tells that it is too long; that keeps the scan linear.
        let most = if token.exact { token.at_least + 1 } else { usize::MAX };
        let length = text[prefix.end()..].iter().take(most).take_while(|byte| token.alphabet.has(**byte)).count();
        let length = length - text[prefix.end()..prefix.end() + length].iter().rev().take_while(|byte| **byte == b'.').count();
        if length < token.at_least || (token.exact && length != token.at_least) {
            continue;
        }
        let span = prefix.start()..prefix.end() + length;
        match found.last_mut() {
            Some((last, _)) if last.end >= span.end => {}
            Some((last, rule)) if last.end > span.start => (*last, *rule) = (last.start..span.end, token.rule),
            _ => found.push((span, token.rule)),
        }
    }
    found
}

/// How many bytes of a token are its vendor's prefix, which a pseudonym keeps.
pub(crate) fn prefix_length(token: &[u8]) -> usize {
    TOKENS
        .iter()
        .filter(|known| token.starts_with(known.prefix.as_bytes()) && token.len() >= known.prefix.len() + known.at_least)
        .map(|known| known.prefix.len())
        .max()
        .unwrap_or(0)
}

static AUTOMATON: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::builder().match_kind(MatchKind::Standard).build(TOKENS.iter().map(|token| token.prefix)).expect("the prefixes are few and short")
});

use Alphabet::{Alphanumeric, Base64, Dotted, Hex, Upper, Url};
use RuleName::{AwsKey, GithubToken, GitlabToken, GoogleKey, PrivateKey, SlackToken, StripeKey, VendorToken};

static TOKENS: [Token; 87] = [
    exactly(AwsKey, "AKIA", Upper, 16),
    exactly(AwsKey, "ASIA", Upper, 16),
    exactly(AwsKey, "ABIA", Upper, 16),
    exactly(AwsKey, "ACCA", Upper, 16),
    at_least(AwsKey, "ABSK", Base64, 100),
    at_least(AwsKey, "amzn.mws.", Url, 32),
    at_least(GithubToken, "ghp_", Alphanumeric, 30),
    at_least(GithubToken, "gho_", Alphanumeric, 30),
    at_least(GithubToken, "ghu_", Alphanumeric, 30),
    at_least(GithubToken, "ghs_", Alphanumeric, 30),
    at_least(GithubToken, "ghr_", Alphanumeric, 30),
    at_least(GithubToken, "github_pat_", Url, 50),
    at_least(GitlabToken, "glpat-", Url, 16),
    at_least(GitlabToken, "gldt-", Url, 16),
    at_least(GitlabToken, "glrt-", Url, 16),
    at_least(GitlabToken, "glptt-", Url, 16),
    at_least(GitlabToken, "glcbt-", Url, 16),
    at_least(GitlabToken, "glsoat-", Url, 16),
    at_least(GitlabToken, "glft-", Url, 16),
    at_least(GitlabToken, "glimt-", Url, 16),
    at_least(GitlabToken, "glagent-", Url, 16),
    at_least(SlackToken, "xoxb-", Url, 10),
    at_least(SlackToken, "xoxp-", Url, 10),
    at_least(SlackToken, "xoxa-", Url, 10),
    at_least(SlackToken, "xoxr-", Url, 10),
    at_least(SlackToken, "xoxs-", Url, 10),
    at_least(SlackToken, "xoxc-", Url, 10),
    at_least(SlackToken, "xoxd-", Url, 10),
    at_least(SlackToken, "xoxe-", Url, 10),
    at_least(SlackToken, "xoxe.xoxb-", Url, 10),
    at_least(SlackToken, "xoxe.xoxp-", Url, 10),
    at_least(SlackToken, "xapp-", Url, 10),
    at_least(SlackToken, "https://hooks.slack.com/services/", Base64, 20),
    at_least(SlackToken, "https://hooks.slack.com/workflows/", Base64, 20),
    at_least(StripeKey, "sk_live_", Alphanumeric, 10),
    at_least(StripeKey, "sk_test_", Alphanumeric, 10),
    at_least(StripeKey, "rk_live_", Alphanumeric, 10),
    at_least(StripeKey, "rk_test_", Alphanumeric, 10),
    at_least(StripeKey, "whsec_", Base64, 24),
    exactly(GoogleKey, "AIza", Url, 35),
    at_least(GoogleKey, "GOCSPX-", Url, 20),
    at_least(GoogleKey, "ya29.", Url, 20),
    at_least(VendorToken, "SG.", Dotted, 40),
    exactly(VendorToken, "AC", Hex, 32),
    exactly(VendorToken, "SK", Hex, 32),
    at_least(VendorToken, "npm_", Alphanumeric, 36),
    at_least(VendorToken, "pypi-AgEI", Url, 40),
    at_least(VendorToken, "rubygems_", Hex, 48),
    at_least(VendorToken, "dckr_pat_", Url, 20),
    at_least(VendorToken, "dckr_oat_", Url, 20),
    at_least(VendorToken, "hf_", Alphanumeric, 30),
    at_least(VendorToken, "r8_", Alphanumeric, 30),
    at_least(VendorToken, "gsk_", Alphanumeric, 40),
    at_least(VendorToken, "pplx-", Alphanumeric, 40),
    at_least(VendorToken, "sk-ant-", Url, 40),
    at_least(VendorToken, "sk-proj-", Url, 40),
    at_least(VendorToken, "sk-svcacct-", Url, 40),
    at_least(VendorToken, "sk-admin-", Url, 40),
    at_least(VendorToken, "sk-", Alphanumeric, 40),
    at_least(VendorToken, "key-", Hex, 32),
    at_least(VendorToken, "xkeysib-", Url, 60),
    at_least(VendorToken, "dop_v1_", Hex, 60),
    at_least(VendorToken, "doo_v1_", Hex, 60),
    at_least(VendorToken, "dor_v1_", Hex, 60),
    at_least(VendorToken, "shpat_", Hex, 32),
    at_least(VendorToken, "shpss_", Hex, 32),
    at_least(VendorToken, "shpca_", Hex, 32),
    at_least(VendorToken, "shppa_", Hex, 32),
    at_least(VendorToken, "sq0atp-", Url, 22),
    at_least(VendorToken, "sq0csp-", Url, 40),
    at_least(VendorToken, "dapi", Hex, 32),
    at_least(VendorToken, "hvs.", Url, 20),
    at_least(VendorToken, "hvb.", Url, 20),
    at_least(VendorToken, "glsa_", Url, 32),
    at_least(VendorToken, "sntrys_", Base64, 40),
    at_least(VendorToken, "sntryu_", Hex, 60),
    at_least(VendorToken, "NRAK-", Alphanumeric, 24),
    at_least(VendorToken, "PMAK-", Url, 50),
    at_least(VendorToken, "sbp_", Hex, 40),
    at_least(VendorToken, "pscale_tkn_", Dotted, 30),
    at_least(VendorToken, "lin_api_", Alphanumeric, 32),
    at_least(VendorToken, "ntn_", Alphanumeric, 40),
    at_least(VendorToken, "figd_", Url, 30),
    at_least(VendorToken, "pul-", Hex, 40),
    at_least(VendorToken, "ATATT3xFfGF0", Base64, 40),
    at_least(VendorToken, "ATCTT3xFfGF0", Base64, 40),
    at_least(PrivateKey, "AGE-SECRET-KEY-1", Upper, 50),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Made of the prefix and characters in order: no one's token, and no check sum holds.
    fn sample(token: &Token) -> String {
        let characters: String = "0123456789abcdefABCDEF0123456789".chars().filter(|character| token.alphabet.has(*character as u8)).collect();
        format!("{}{}", token.prefix, characters.chars().cycle().take(token.at_least).collect::<String>())
    }

    #[test]
    fn every_token_is_found_where_it_stands_alone() {
        for token in &TOKENS {
            let sample = sample(token);
            for (before, after) in [("", ""), ("a ", " b"), ("\"", "\""), ("=", "&x")] {
                let text = format!("{before}{sample}{after}");
                let found = find(text.as_bytes());
                assert_eq!(found.len(), 1, "{text}");
                assert_eq!(&text[found[0].0.clone()], sample, "{text}");
            }
            // Of a prefix that has another one in it, that one stands alone.
            assert!(find(format!("x{sample}").as_bytes()).iter().all(|(span, _)| span.start > 1), "{sample}");
            assert!(find(&sample.as_bytes()[..sample.len() - 1]).iter().all(|(span, _)| span.start > 0), "{sample}");
            assert!(prefix_length(sample.as_bytes()) >= token.prefix.len());
        }
    }
}
