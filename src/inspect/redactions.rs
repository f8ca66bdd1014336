//! What was done with what stood where, as a table: never a value.

use std::cmp::Reverse;
use std::fmt::Write as _;

use reenact_formats::disk::Error;
use reenact_formats::disk::recording::{Audit, AuditRow, Recording, Window};
use serde_json::{Value, json};

use super::{count, printable};

/// The audit of a recording; of one that was written before there were any, made of its rows.
pub fn audit(recording: &Recording) -> Result<Audit, Error> {
    let manifest = recording.manifest();
    if !manifest.audit.is_empty() || manifest.redactions.is_empty() && manifest.kept.is_empty() {
        return Ok(manifest.audit.clone());
    }
    let mut audit = Audit::default();
    for exchange in recording.exchanges(&Window::ALL)? {
        exchange?.redactions.iter().for_each(|redaction| audit.count(redaction, ""));
    }
    Ok(audit)
}

/// The audit for a person: the gravest first, then the most frequent.
pub fn audit_text(audit: &Audit) -> String {
    if audit.is_empty() {
        return "nothing was redacted, and nothing kept on purpose\n".to_owned();
    }
    let mut rows: Vec<(&str, &AuditRow)> = audit.rows().collect();
    rows.sort_by_key(|(path, row)| (gravity(&row.severity), Reverse(row.count), *path));
    let width = |of: &dyn Fn(&AuditRow) -> usize, least: usize| rows.iter().map(|(_, row)| of(row)).max().unwrap_or(0).clamp(least, 32);
    let (rule, domain) = (width(&|row| row.rule.len(), 4), width(&|row| row.domain.len(), 6));
    let mut out = format!("{:<8}  {:<10} {:>9}  {:<rule$}  {:<domain$}  path\n", "severity", "action", "count", "rule", "domain");
    for (path, row) in rows {
        let (of_rule, of_domain) = (printable(row.rule.as_bytes()), printable(row.domain.as_bytes()));
        let severity = if row.severity.is_empty() { "-".to_owned() } else { printable(row.severity.as_bytes()) };
        let domain_word = if of_domain.is_empty() { "-" } else { &of_domain };
        let path = printable(path.as_bytes());
        let _ = writeln!(out, "{severity:<8}  {:<10} {:>9}  {of_rule:<rule$}  {domain_word:<domain$}  {path}", row.action.word(), count(row.count));
    }
    out
}

/// The audit for a script.
pub fn audit_json(audit: &Audit) -> Value {
    let row = |(path, row): (&str, &AuditRow)| json!({ "path": path, "rule": row.rule, "domain": row.domain, "severity": row.severity, "action": row.action.word(), "count": row.count });
    json!({ "redactions": audit.rows().map(row).collect::<Vec<_>>() })
}

fn gravity(severity: &str) -> usize {
    ["critical", "high", "medium", "low"].iter().position(|word| *word == severity).unwrap_or(4)
}
