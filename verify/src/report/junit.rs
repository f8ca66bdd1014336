//! Verdicts as JUnit XML, which every CI shows: a suite for each verdict, a test for each thing that was judged.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use reenact_formats::disk::verdict::{Reason, ReasonKind, Verdict, Weight};

use super::Named;
use crate::Error;

/// JUnit XML. A breach is a failure, a doubt is an error: an inconclusive verdict is not green.
pub fn junit(verdicts: &[Named<'_>]) -> Result<String, Error> {
    let mut report = Report::new("reenact");
    report.add_test_suites(verdicts.iter().map(|named| suite(named.name, named.verdict)));
    report.to_string().map_err(|source| Error::Report { report: "JUnit", source: source.into() })
}

fn suite(name: &str, verdict: &Verdict) -> TestSuite {
    let mut suite = TestSuite::new(name);
    for (theme, reasons) in themes(verdict) {
        let mut case = TestCase::new(theme, status(&reasons));
        case.set_classname(name);
        suite.add_test_case(case);
    }
    for (key, value) in
        [("judgement", verdict.judgement.word()), ("run", &verdict.run.path), ("baseline", &verdict.baseline.path), ("recording", &verdict.run.recording)]
    {
        suite.add_property((key, value));
    }
    suite
}

/// What was judged, and what speaks against it. A theme without a reason is a test that passed.
fn themes(verdict: &Verdict) -> BTreeMap<String, Vec<&Reason>> {
    let mut themes: BTreeMap<String, Vec<&Reason>> = ["answers", "completeness"].into_iter().map(|theme| (theme.to_owned(), Vec::new())).collect();
    for objective in &verdict.objectives {
        themes.insert(format!("objective: {}", objective.text), Vec::new());
    }
    for entity in verdict.state.iter().flat_map(|state| &state.entities) {
        themes.insert(format!("state: {}", entity.name), Vec::new());
    }
    for reason in &verdict.reasons {
        let theme = match reason.kind {
            ReasonKind::State => format!("state: {}", reason.place),
            ReasonKind::Response | ReasonKind::Failure => "answers".to_owned(),
            // Its text begins with that of the objective it is about.
            ReasonKind::Objective | ReasonKind::Samples | ReasonKind::SenderLag => {
                let about = verdict.objectives.iter().find(|objective| reason.text.contains(&objective.text));
                about.map_or("completeness".to_owned(), |objective| format!("objective: {}", objective.text))
            }
            _ => "completeness".to_owned(),
        };
        themes.entry(theme).or_default().push(reason);
    }
    themes
}

fn status(reasons: &[&Reason]) -> TestCaseStatus {
    let Some(worst) = reasons.iter().min_by_key(|reason| reason.weight) else { return TestCaseStatus::success() };
    let kind = if worst.weight == Weight::Breach { NonSuccessKind::Failure } else { NonSuccessKind::Error };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(worst.kind.word()).set_message(format!("{}: {}", worst.place, worst.text));
    let lines: Vec<_> = reasons.iter().map(|reason| format!("[{}] {}: {}", reason.weight, reason.place, reason.text)).collect();
    status.set_description(lines.join("\n"));
    status
}
