//! `reenact sanitize DATABASE`: rewrites a sandbox copy, or says what would be done with each of its columns.

use std::sync::atomic::Ordering;

use reenact::database::{self, DatabaseJob, PlannedTable, Summary};
use reenact::inspect::count;
use reenact_verify::is_server_address;
use serde_json::json;

use super::exit::Exit;
use super::progress::{Progress, now};
use super::{output, signals};

/// Whether what was typed is the address of a database.
pub(crate) fn is_database(text: &str) -> bool {
    is_server_address(text) || text.starts_with("sqlite:")
}

/// Says what would be done; nothing is written.
pub(crate) fn plan(job: &DatabaseJob, as_json: bool) -> anyhow::Result<Exit> {
    let tables = signals::runtime()?.block_on(database::plan(job))?;
    if as_json {
        let column = |column: &database::PlannedColumn| json!({ "name": column.name, "treatment": column.treatment, "sampled": column.sampled, "replaced": column.replaced, "rules": column.rules });
        let tables: Vec<_> =
            tables.iter().map(|table| json!({ "name": table.name, "columns": table.columns.iter().map(column).collect::<Vec<_>>() })).collect();
        output::json(&json!({ "tables": tables }))?;
    } else {
        output::data(&drawn(&tables))?;
    }
    Ok(Exit::Pass)
}

fn drawn(tables: &[PlannedTable]) -> String {
    let mut text = String::new();
    for table in tables {
        text.push_str(&format!("{}\n", table.name));
        for column in &table.columns {
            let rules: Vec<&str> = column.rules.keys().map(String::as_str).collect();
            let rules = if rules.is_empty() { String::new() } else { format!(" ({})", rules.join(", ")) };
            let found = format!("{:>6} of {}", count(column.replaced), count(column.sampled));
            text.push_str(&format!("  {:<24} {found:<16} {}{rules}\n", column.name, column.treatment));
        }
    }
    text
}

/// Rewrites the copy, or goes on where an earlier run was ended.
pub(crate) fn run(job: &DatabaseJob, as_json: bool) -> anyhow::Result<Exit> {
    let began = now();
    let progress = Progress::start("rewriting", None);
    let summary = signals::runtime()?.block_on(async {
        let stop = signals::stop_flag()?;
        let mut each = |rows| {
            progress.at(rows, "rows");
            !stop.load(Ordering::SeqCst)
        };
        anyhow::Ok(database::sanitize(job, &mut each).await?)
    })?;
    drop(progress);
    report(&summary, now().duration_since(began), as_json)?;
    for unseen in &summary.unseen {
        output::warning(&format!("{unseen} may hold values as they were: make it anew, or drop it"));
    }
    Ok(Exit::Pass)
}

fn report(summary: &Summary, took: std::time::Duration, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let tables: Vec<_> = summary.tables.iter().map(|(name, done)| json!({ "name": name, "rows": done.rows, "written": done.written })).collect();
        return output::json(&json!({
            "database": summary.database,
            "key_id": summary.key_id,
            "resumed": summary.was_begun,
            "tables": tables,
            "redactions": summary.audit,
            "unseen": summary.unseen,
        }));
    }
    let rows: u64 = summary.tables.iter().map(|(_, done)| done.rows).sum();
    let begun = if summary.was_begun { ", gone on with" } else { "" };
    let took = reenact::inspect::duration(took);
    output::note(&format!("database {}: pseudonymised under key {}{begun}, {} rows in {took}", summary.database, summary.key_id, count(rows)));
    for (name, done) in &summary.tables {
        output::note(&format!("  {name:<24} {:>12} rows, {:>12} written", count(done.rows), count(done.written)));
    }
    for (rule, values) in &summary.audit {
        output::note(&format!("  {rule:<24} {:>12} values", count(*values)));
    }
    Ok(())
}
