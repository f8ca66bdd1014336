//! A condition as it is written.
//!
//! In: a text. Out: a condition in which every comparison is one of like with like. What never happens here: the depth of a text decides
//! how deep the stack becomes.

use super::{Column, Comparison, Condition, InvalidWhere, Kind, Literal};
use crate::config::nearest;

/// The condition that `text` says.
pub(super) fn parse(text: &str) -> Result<Condition, InvalidWhere> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, end: text.chars().count() + 1 };
    let condition = parser.any()?;
    match parser.peek() {
        None => Ok(condition),
        Some(_) => Err(parser.wrong("`and`, `or` or the end is expected here")),
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Number(i128),
    Sign(&'static str),
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, InvalidWhere> {
    let wrong = |at: usize, problem: String| InvalidWhere { at: at + 1, problem };
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(char) = chars.get(at).copied() {
        let begin = at;
        let run = |from: usize, is: fn(&char) -> bool| from + chars[from..].iter().take_while(|char| is(char)).count();
        let token = match char {
            _ if char.is_whitespace() => {
                at += 1;
                continue;
            }
            '\'' => {
                let mut content = String::new();
                loop {
                    at += 1;
                    match (chars.get(at), chars.get(at + 1)) {
                        (Some('\''), Some('\'')) => {
                            content.push('\'');
                            at += 1;
                        }
                        (Some('\''), _) => break,
                        (Some(char), _) => content.push(*char),
                        (None, _) => return Err(wrong(begin, "this text never ends".to_owned())),
                    }
                }
                at += 1;
                Token::Text(content)
            }
            '-' | '0'..='9' => {
                at = run(begin + 1, char::is_ascii_digit);
                let digits: String = chars[begin..at].iter().collect();
                Token::Number(digits.parse().map_err(|_| wrong(begin, "this is no number that a column could hold".to_owned()))?)
            }
            _ if char.is_alphabetic() || char == '_' => {
                at = run(begin, |char| char.is_alphanumeric() || *char == '_');
                Token::Word(chars[begin..at].iter().collect::<String>().to_lowercase())
            }
            _ => {
                let signs = ["<>", "<=", ">=", "!=", "<", ">", "=", "(", ")", ","];
                let is_here = |sign: &&str| sign.chars().eq(chars[begin..].iter().copied().take(sign.len()));
                let sign = signs.into_iter().find(is_here).ok_or_else(|| wrong(begin, format!("`{char}` means nothing here")))?;
                at += sign.len();
                Token::Sign(sign)
            }
        };
        tokens.push((begin + 1, token));
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
    /// Where the text ends.
    end: usize,
}

impl Parser {
    fn any(&mut self) -> Result<Condition, InvalidWhere> {
        let mut parts = vec![self.all()?];
        while self.takes("or") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::Any(parts) })
    }

    fn all(&mut self) -> Result<Condition, InvalidWhere> {
        let mut parts = vec![self.one()?];
        while self.takes("and") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) })
    }

    fn one(&mut self) -> Result<Condition, InvalidWhere> {
        if self.depth == DEEPEST {
            return Err(self.wrong("this is nested more deeply than anyone means"));
        }
        self.depth += 1;
        let one = if self.takes("not") {
            Condition::Not(Box::new(self.one()?))
        } else if self.takes_sign("(") {
            let inner = self.any()?;
            if !self.takes_sign(")") {
                return Err(self.wrong("`)` is expected here"));
            }
            inner
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(one)
    }

    fn comparison(&mut self) -> Result<Condition, InvalidWhere> {
        let column = self.column()?;
        if self.takes("is") {
            let is_not = self.takes("not");
            if !self.takes("null") {
                return Err(self.wrong("`null` or `not null` is expected here"));
            }
            return Ok(negated(is_not, Condition::IsNull(column)));
        }
        let is_not = self.takes("not");
        if self.takes("in") {
            return Ok(negated(is_not, Condition::In(column, self.list(column)?)));
        }
        if self.takes("between") {
            let least = self.literal(column)?;
            if !self.takes("and") {
                return Err(self.wrong("`and` is expected here"));
            }
            return Ok(negated(is_not, Condition::Between(column, least, self.literal(column)?)));
        }
        if matches!(self.peek(), Some(Token::Word(word)) if word == "like") {
            if column.kind() != Kind::Text {
                return Err(self.wrong(&format!("`{column}` is no text, and has no form")));
            }
            self.next += 1;
            let Literal::Text(pattern) = self.literal(column)? else { return Err(self.wrong("a text is expected here")) };
            return Ok(negated(is_not, Condition::Like(column, pattern)));
        }
        let comparison = match self.peek() {
            Some(Token::Sign("=")) => Comparison::Equal,
            Some(Token::Sign("<>" | "!=")) => Comparison::Unequal,
            Some(Token::Sign("<")) => Comparison::Less,
            Some(Token::Sign("<=")) => Comparison::AtMost,
            Some(Token::Sign(">")) => Comparison::More,
            Some(Token::Sign(">=")) => Comparison::AtLeast,
            // A column that says yes or no says it alone.
            _ if column.kind() == Kind::Truth && !is_not => return Ok(Condition::Compare(column, Comparison::Equal, Literal::Truth(true))),
            _ => return Err(self.wrong(&format!("say how `{column}` compares: =, <>, <, <=, >, >=, in, like, between, is null"))),
        };
        if is_not {
            return Err(self.wrong("`in`, `like` or `between` is expected here"));
        }
        self.next += 1;
        Ok(Condition::Compare(column, comparison, self.literal(column)?))
    }

    fn column(&mut self) -> Result<Column, InvalidWhere> {
        let known = || Column::ALL.iter().map(|column| column.word());
        let Some(Token::Word(word)) = self.peek() else {
            return Err(self.wrong(&format!("a column is expected here: {}", known().collect::<Vec<_>>().join(", "))));
        };
        let Some(column) = Column::from_word(word) else {
            let names: Vec<_> = known().collect();
            let meant = nearest(word, &names).map_or_else(|| names.join(", "), |name| format!("`{name}`?"));
            return Err(self.wrong(&format!("this is no name of a column; {meant}")));
        };
        self.next += 1;
        Ok(column)
    }

    fn list(&mut self, column: Column) -> Result<Vec<Literal>, InvalidWhere> {
        if !self.takes_sign("(") {
            return Err(self.wrong("`(` and a list of values is expected here"));
        }
        let mut literals = vec![self.literal(column)?];
        while self.takes_sign(",") {
            literals.push(self.literal(column)?);
        }
        if self.takes_sign(")") { Ok(literals) } else { Err(self.wrong("`,` or `)` is expected here")) }
    }

    /// A value of the kind that the column holds.
    fn literal(&mut self, column: Column) -> Result<Literal, InvalidWhere> {
        let literal = match self.peek() {
            Some(Token::Text(text)) => Literal::Text(text.clone()),
            Some(Token::Number(number)) => Literal::Number(*number),
            Some(Token::Word(word)) if word == "true" || word == "false" => Literal::Truth(word == "true"),
            Some(Token::Word(_)) => return Err(self.wrong("a value is expected here; texts stand in single quotes")),
            _ => return Err(self.wrong("a value is expected here")),
        };
        if literal.kind() != column.kind() {
            let kind = match column.kind() {
                Kind::Text => "a text in single quotes",
                Kind::Number => "a number",
                Kind::Truth => "true or false",
            };
            return Err(self.wrong(&format!("`{column}` compares with {kind}")));
        }
        self.next += 1;
        Ok(literal)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn takes(&mut self, word: &str) -> bool {
        let takes = matches!(self.peek(), Some(Token::Word(here)) if here == word);
        self.next += usize::from(takes);
        takes
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let takes = matches!(self.peek(), Some(Token::Sign(here)) if *here == sign);
        self.next += usize::from(takes);
        takes
    }

    /// Says that something is wrong at what comes next.
    fn wrong(&self, problem: &str) -> InvalidWhere {
        InvalidWhere { at: self.tokens.get(self.next).map_or(self.end, |(at, _)| *at), problem: problem.to_owned() }
    }
}

fn negated(is_not: bool, condition: Condition) -> Condition {
    if is_not { Condition::Not(Box::new(condition)) } else { condition }
}

/// How deep a condition may be nested.
const DEEPEST: usize = 64;
