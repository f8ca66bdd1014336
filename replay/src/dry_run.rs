//! What would be sent, held against what was recorded.
//!
//! In: a plan and its targets. Out: for each exchange how its request would differ. Nothing is sent, and no target is looked at.

use std::time::Duration;

use reenact_formats::content::{Edit, apply};
use reenact_formats::model::{ExchangeId, Part};

use crate::plan::Skip;
use crate::runner::host_edits;
use crate::target::Targets;
use crate::{Error, Plan};

/// How one request would differ from the recorded one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The exchange.
    pub exchange: ExchangeId,
    /// When it would be due, from the start.
    pub due: Duration,
    /// Where it would go.
    pub target: String,
    /// Why it would not be sent.
    pub skipped: Option<&'static str>,
    /// The lines of its head that would differ.
    pub lines: Vec<Line>,
    /// The bindings that put live values into its body, whose length is then made right.
    pub body: Vec<String>,
}

impl Difference {
    /// Whether it would be sent as it was recorded.
    pub const fn is_none(&self) -> bool {
        self.skipped.is_none() && self.lines.is_empty() && self.body.is_empty()
    }
}

/// One line of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As it was recorded.
    pub recorded: String,
    /// As it would be sent. For a live value stands the name of its binding, in `‹›`.
    pub sent: String,
}

impl Plan {
    /// How each request would differ from the recorded one, in the order of their due times.
    pub fn dry_run(&self, targets: &Targets) -> Result<impl Iterator<Item = Difference>, Error> {
        let resolved = targets.resolve(self.hosts())?;
        Ok(self.steps.iter().map(move |step| {
            let target = resolved.get(step.host.as_str());
            let mut difference = Difference {
                exchange: step.exchange,
                due: step.offset,
                target: target.map(ToString::to_string).unwrap_or_default(),
                skipped: None,
                lines: Vec::new(),
                body: Vec::new(),
            };
            match (&step.request, target) {
                (Ok(request), Some(target)) => {
                    let mut edits = host_edits(request, target.authority());
                    for take in &step.takes {
                        match take.part {
                            Part::Head => edits.push(Edit { span: take.span.clone(), replacement: format!("‹{}›", take.name).into_bytes() }),
                            _ => difference.body.push(take.name.to_string()),
                        }
                    }
                    edits.sort_by_key(|edit| edit.span.start);
                    let raw = request.head.raw();
                    let sent = apply(raw, &edits).unwrap_or_else(|_| raw.to_vec());
                    let lines = raw.split(|byte| *byte == b'\n').zip(sent.split(|byte| *byte == b'\n'));
                    difference.lines =
                        lines.filter(|(recorded, sent)| recorded != sent).map(|(recorded, sent)| Line { recorded: text(recorded), sent: text(sent) }).collect();
                }
                (Err(skip), _) => difference.skipped = Some(why(*skip)),
                (Ok(_), None) => {}
            }
            difference
        }))
    }
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()
}

const fn why(skip: Skip) -> &'static str {
    match skip {
        Skip::NoRequest => "its request was not recorded",
        Skip::BodyDropped => "its body was dropped",
        Skip::BodyIncomplete => "some of its body was not recorded",
        Skip::Tunnel => "it opens a tunnel",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PlanOptions;
    use crate::testing::script;

    #[test]
    fn shows_what_would_differ() {
        let id = "1f0c7e4a-9d3b-4c55-8a21-0e6f7b9d2c11";
        let lines = [
            (1, "POST /a", format!("201\n\n{{\"id\":\"{id}\"}}")),
            (1, &format!("PUT /a/{id}?x=1\nX-Y: z\n\n{{\"of\":\"{id}\"}}"), "200".to_owned()),
            (1, "CONNECT b.example:443", "200".to_owned()),
        ];
        let lines: Vec<_> = lines.iter().map(|(connection, request, response)| (*connection, *request, response.as_str())).collect();
        let plan = Plan::build(script(&lines).into_iter().map(Ok), &PlanOptions { speed: 2.0, ..PlanOptions::default() }).unwrap();
        let url = "http://127.0.0.1:81";
        let differences: Vec<_> = plan.dry_run(&Targets::all(url.parse().unwrap())).unwrap().collect();
        let line = |recorded: &str, sent: &str| Line { recorded: recorded.to_owned(), sent: sent.to_owned() };
        let host = line("Host: recorded.example", "Host: 127.0.0.1:81");
        assert_eq!(differences[0].lines, std::slice::from_ref(&host));
        assert_eq!(differences[1].lines, [line(&format!("PUT /a/{id}?x=1 HTTP/1.1"), "PUT /a/‹POST /a body:/id -> PUT /a/{} target:/1›?x=1 HTTP/1.1"), host]);
        assert_eq!(differences[1].body, ["POST /a body:/id -> PUT /a/{} body:/of"]);
        assert_eq!((differences[1].due, differences[1].target.as_str()), (Duration::from_millis(5), url));
        assert_eq!(differences[2].skipped, Some("it opens a tunnel"));
        assert!(differences.iter().all(|difference| !difference.is_none()));
        assert!(plan.dry_run(&Targets::default()).is_err());
    }
}
