//! Which exchanges are meant, in words.
//!
//! In: a text as people write it behind `where`, e.g. `method in ('GET', 'POST') and path like '/api/%'`, and the values of a row's
//! columns. Out: whether the row is meant. The words are those of SQL, the names those of the columns that a recording shows to other
//! tools (`docs/formats.md`), so that what selects here selects there. What never happens here: a row is read, or a text is taken that
//! compares what cannot be compared.

mod parse;

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::model::words;

words! {
    /// What can be asked of a row: its plain columns, and what tells whose it is.
    Column {
        /// `CONNECTION.INDEX`.
        Id = "id",
        /// The connection's number.
        Connection = "connection",
        /// The ordinal on it.
        Ordinal = "ordinal",
        /// The application protocol.
        Protocol = "protocol",
        /// Inbound or outbound.
        Role = "role",
        /// The machine that recorded it.
        Node = "node",
        /// The address that opened the connection.
        ClientIp = "client_ip",
        /// Its port.
        ClientPort = "client_port",
        /// The address that accepted it.
        ServerIp = "server_ip",
        /// Its port.
        ServerPort = "server_port",
        /// The request method.
        Method = "method",
        /// The host that was asked.
        Host = "host",
        /// The path that was asked for.
        Path = "path",
        /// The same with its values taken out.
        Endpoint = "endpoint",
        /// The status of the answer.
        Status = "status",
        /// The media type of the request.
        RequestContentType = "request_content_type",
        /// The media type of the response.
        ResponseContentType = "response_content_type",
        /// Bytes of the request.
        RequestBytes = "request_bytes",
        /// Bytes of the response.
        ResponseBytes = "response_bytes",
        /// From the start to the end of the response.
        DurationNs = "duration_ns",
        /// From the end of the request to the first byte of the response.
        WaitNs = "wait_ns",
        /// Whether both sides are whole.
        Complete = "complete",
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Truth,
}

impl Column {
    const fn kind(self) -> Kind {
        match self {
            Self::Connection
            | Self::Ordinal
            | Self::ClientPort
            | Self::ServerPort
            | Self::Status
            | Self::RequestBytes
            | Self::ResponseBytes
            | Self::DurationNs
            | Self::WaitNs => Kind::Number,
            Self::Complete => Kind::Truth,
            Self::Id
            | Self::Protocol
            | Self::Role
            | Self::Node
            | Self::ClientIp
            | Self::ServerIp
            | Self::Method
            | Self::Host
            | Self::Path
            | Self::Endpoint
            | Self::RequestContentType
            | Self::ResponseContentType => Kind::Text,
        }
    }
}

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value<'a> {
    /// Words.
    Text(&'a str),
    /// A number of any column.
    Number(i128),
    /// Yes or no.
    Truth(bool),
}

/// Which rows are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Where(Condition);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Compare(Column, Comparison, Literal),
    In(Column, Vec<Literal>),
    Between(Column, Literal, Literal),
    Like(Column, String),
    IsNull(Column),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Literal {
    Text(String),
    Number(i128),
    Truth(bool),
}

impl Literal {
    const fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Number(_) => Kind::Number,
            Self::Truth(_) => Kind::Truth,
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Number(number) => Value::Number(*number),
            Self::Truth(truth) => Value::Truth(*truth),
        }
    }
}

impl Where {
    /// The columns whose values decide.
    pub fn columns(&self) -> BTreeSet<Column> {
        let mut columns = BTreeSet::new();
        self.0.columns(&mut columns);
        columns
    }

    /// Whether a row is meant, of which `value` tells the values. As in SQL, one of which it cannot be said, for it has no such value, is not.
    pub fn is_met<'a>(&self, value: &impl Fn(Column) -> Option<Value<'a>>) -> bool {
        self.0.holds(value) == Some(true)
    }
}

impl FromStr for Where {
    type Err = InvalidWhere;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::parse(text).map(Self)
    }
}

impl Condition {
    fn columns(&self, columns: &mut BTreeSet<Column>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.columns(columns)),
            Self::Not(inner) => inner.columns(columns),
            Self::Compare(column, ..) | Self::In(column, _) | Self::Between(column, ..) | Self::Like(column, _) | Self::IsNull(column) => {
                columns.insert(*column);
            }
        }
    }

    /// Nothing where it cannot be said.
    fn holds<'a>(&self, value: &impl Fn(Column) -> Option<Value<'a>>) -> Option<bool> {
        match self {
            Self::All(parts) => parts
                .iter()
                .try_fold(Some(true), |all, part| match part.holds(value) {
                    Some(false) => Err(()),
                    held => Ok(all.and(held)),
                })
                .unwrap_or(Some(false)),
            Self::Any(parts) => parts
                .iter()
                .try_fold(Some(false), |any, part| match part.holds(value) {
                    Some(true) => Err(()),
                    held => Ok(any.and(held)),
                })
                .unwrap_or(Some(true)),
            Self::Not(inner) => inner.holds(value).map(|held| !held),
            Self::Compare(column, comparison, literal) => value(*column).map(|value| comparison.holds(&value, &literal.value())),
            Self::In(column, literals) => value(*column).map(|value| literals.iter().any(|literal| literal.value() == value)),
            Self::Between(column, least, most) => value(*column).map(|value| least.value() <= value && value <= most.value()),
            Self::Like(column, pattern) => value(*column).map(|value| matches!(value, Value::Text(text) if is_like(text, pattern))),
            Self::IsNull(column) => Some(value(*column).is_none()),
        }
    }
}

impl Comparison {
    fn holds(self, left: &Value<'_>, right: &Value<'_>) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// Whether `text` has the form of `pattern`: `%` stands for any characters, `_` for one.
fn is_like(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    // Where to go on if what follows the last `%` does not fit here: one character further.
    let mut again = None;
    loop {
        let (here, wanted) = (text.clone().next(), pattern.clone().next());
        match (here, wanted) {
            (_, Some('%')) => {
                pattern.next();
                again = Some((text.clone(), pattern.clone()));
            }
            (Some(here), Some(wanted)) if wanted == '_' || wanted == here => {
                text.next();
                pattern.next();
            }
            (None, None) => return true,
            _ => {
                let Some((from, behind)) = &mut again else { return false };
                if from.next().is_none() {
                    return false;
                }
                text = from.clone();
                pattern = behind.clone();
            }
        }
    }
}

/// A text that does not say which rows are meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {at} of the condition: {problem}")]
pub struct InvalidWhere {
    /// Which character, from 1.
    pub at: usize,
    /// What is wrong there.
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(column: Column) -> Option<Value<'static>> {
        Some(match column {
            Column::Method => Value::Text("POST"),
            Column::Path => Value::Text("/api/orders/17"),
            Column::Host => Value::Text("shop's"),
            Column::Status => Value::Number(201),
            Column::WaitNs => Value::Number(-5),
            Column::Complete => Value::Truth(true),
            _ => return None,
        })
    }

    fn check(text: &str, expected: bool) {
        let condition: Where = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(condition.is_met(&row), expected, "{text}");
    }

    #[test]
    fn the_words_are_those_of_sql() {
        for (text, expected) in [
            ("method in ('GET','POST') and path like '/api/%'", true),
            ("METHOD IN ( 'GET' )", false),
            ("method not in ('GET')", true),
            ("method = 'POST'", true),
            ("method <> 'POST' or status != 404", true),
            ("status >= 200 and status < 300", true),
            ("status between 200 and 201 and status not between 300 and 399", true),
            ("status > 201", false),
            ("status <= 201", true),
            ("wait_ns < 0 and wait_ns = -5", true),
            ("not (status = 201)", false),
            ("not not complete", true),
            ("complete = false", false),
            ("complete and host = 'shop''s'", true),
            ("path not like '%17'", false),
            // `and` binds more tightly than `or`.
            ("status = 1 and status = 2 or complete", true),
            ("status = 1 and (status = 2 or complete)", false),
            // What a row does not have it is neither equal nor unequal to.
            ("node = 'a'", false),
            ("node <> 'a'", false),
            ("not (node = 'a')", false),
            ("node = 'a' or complete", true),
            ("not (node = 'a' and status = 1)", true),
            ("node is null and status is not null", true),
        ] {
            check(text, expected);
        }
        let condition: Where = "status = 1 or not (path like 'x' and node is null)".parse().expect("a condition");
        assert_eq!(condition.columns().into_iter().collect::<Vec<_>>(), [Column::Node, Column::Path, Column::Status]);
    }

    #[test]
    fn patterns_match_as_in_sql() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "%", true),
            ("a", "", false),
            ("/api/orders", "/api/%", true),
            ("/api", "/api/%", false),
            ("abc", "_b_", true),
            ("abc", "_b", false),
            ("äöü", "ä_ü", true),
            ("aXbXc", "%X%c", true),
            ("aab", "%ab", true),
            ("mississippi", "%iss%ip%", true),
            ("mississippi", "%iss%is_", false),
            ("100%", "100%%", true),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text} {pattern}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        for (text, at, part) in [
            ("", 1, "a column"),
            ("methd = 'GET'", 1, "`method`"),
            ("method = GET", 10, "quotes"),
            ("method = 'GET", 10, "never ends"),
            ("method == 'GET'", 9, "a value"),
            ("method = 200", 10, "a text"),
            ("status = '200'", 10, "a number"),
            ("status like '2%'", 8, "no text"),
            ("status = 1 status = 2", 12, "`and`"),
            ("method in ()", 12, "a value"),
            ("(status = 1", 12, "`)`"),
            ("status = 99999999999999999999999999999999999999999", 10, "number"),
            ("method", 7, "how"),
            ("status is 4", 11, "`null`"),
            ("status = 1; drop", 11, "`;`"),
            ("äöü = 1", 1, "a column"),
        ] {
            let error = text.parse::<Where>().expect_err(text);
            assert!(error.at == at && error.problem.contains(part), "{text}: {error}");
        }
        let deep = format!("{}complete{}", "(".repeat(5000), ")".repeat(5000));
        assert!(deep.parse::<Where>().is_err());
        assert!(format!("{}complete", "not ".repeat(5000)).parse::<Where>().is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,60}") {
            let _ = text.parse::<Where>();
        }

        #[test]
        fn no_words_are_too_odd(words in proptest::collection::vec(proptest::sample::select(&["method", "status", "complete", "and", "or", "not", "in", "like", "is",
            "null", "between", "(", ")", ",", "=", "<", "<>", "'x'", "7", "-", "'"][..]), 0..14)) {
            if let Ok(condition) = words.join(" ").parse::<Where>() {
                let _ = condition.is_met(&row);
            }
        }
    }
}
