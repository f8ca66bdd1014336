//! A verdict for a terminal: readable without colour, at most a screen or two.

use std::fmt::{self, Write as _};

use reenact_formats::disk::verdict::{EntityComparison, Judgement, Measure, RowDifference, RowDifferenceKind, ScopeKind, Sli, Verdict, Which};

use crate::words::{change, counted, milliseconds, rate, share, thousands};

/// The verdict in words, figures and differences; ends in a line break.
pub fn text(verdict: &Verdict) -> String {
    let mut out = String::new();
    write(verdict, &mut out).expect("a String takes all");
    out
}

fn write(verdict: &Verdict, out: &mut String) -> fmt::Result {
    let summary = match verdict.judgement {
        Judgement::Pass => "nothing was breached".to_owned(),
        _ => counted(verdict.reasons.len() as u64, "reason", "reasons"),
    };
    writeln!(out, "{}: {summary}", verdict.judgement.word().to_uppercase())?;
    for reason in &verdict.reasons {
        writeln!(out, "  [{}] {}: {}", reason.weight, reason.place, reason.text)?;
    }
    for note in &verdict.notes {
        writeln!(out, "  [note] {note}")?;
    }
    if !verdict.objectives.is_empty() {
        writeln!(out, "\nobjectives")?;
        for objective in &verdict.objectives {
            writeln!(out, "  {:<7} {}: {}", objective.result, objective.text, objective.measured)?;
        }
    }
    write_figures(verdict, out)?;
    write_responses(verdict, out)?;
    write_state(verdict, out)?;
    if !verdict.charts.events.is_empty() {
        writeln!(out, "\ntimeline")?;
        for event in &verdict.charts.events {
            let took = event.took_ms.map(|took| format!(" ({})", milliseconds(took))).unwrap_or_default();
            let which = if event.which == Which::Run { "" } else { "baseline: " };
            writeln!(out, "  {:>9}  {which}{}{took}", milliseconds(event.at_ms), event.text)?;
        }
    }
    Ok(())
}

fn write_figures(verdict: &Verdict, out: &mut String) -> fmt::Result {
    let Some(all) = verdict.slis.first() else { return Ok(()) };
    writeln!(out, "\nfigures (run, against the baseline)")?;
    writeln!(out, "  requests    {}, baseline {}", thousands(all.run.requests), thousands(all.baseline.requests))?;
    let pair = |run: Option<f64>, baseline: Option<f64>, shown: fn(f64) -> String| {
        format!("{}, baseline {}", run.map_or("-".to_owned(), shown), baseline.map_or("-".to_owned(), shown))
    };
    writeln!(out, "  success     {}", pair(all.run.success, all.baseline.success, share))?;
    writeln!(out, "  throughput  {}", pair(all.run.throughput, all.baseline.throughput, rate))?;
    writeln!(out, "  completion  {}, baseline {}", milliseconds(verdict.run.duration_ms), milliseconds(verdict.baseline.duration_ms))?;
    for latency in &all.latencies {
        let name = format!("{} p{}", latency.measure, latency.percentile);
        let shown = |quantile: Option<&reenact_formats::disk::verdict::Quantile>| quantile.map_or("-".to_owned(), |quantile| milliseconds(quantile.ms));
        let moved = latency.ratio.map(|ratio| format!("{} ({} to {})", change(ratio.value), change(ratio.low), change(ratio.high))).unwrap_or_default();
        writeln!(out, "  {name:<12}{:>9}, baseline {:>9}  {moved}", shown(latency.run.as_ref()), shown(latency.baseline.as_ref()))?;
    }
    let endpoints: Vec<&Sli> = verdict.slis.iter().filter(|sli| sli.scope == ScopeKind::Endpoint).collect();
    if !endpoints.is_empty() {
        let width = endpoints.iter().take(MAX_ENDPOINTS).map(|sli| sli.name.chars().count()).max().unwrap_or(0).min(48);
        writeln!(out, "\nendpoints (worst first)\n  {:<width$} {:>9} {:>9} {:>10} {:>10} {:>9}", "", "requests", "success", "p95", "baseline", "change")?;
        for sli in endpoints.iter().take(MAX_ENDPOINTS) {
            let p95 = sli.latencies.iter().find(|latency| latency.measure == Measure::Response && latency.percentile == 95.0);
            let time = |quantile: Option<reenact_formats::disk::verdict::Quantile>| quantile.map_or("-".to_owned(), |quantile| milliseconds(quantile.ms));
            writeln!(
                out,
                "  {:<width$} {:>9} {:>9} {:>10} {:>10} {:>9}",
                sli.name,
                thousands(sli.run.requests),
                sli.run.success.map_or("-".to_owned(), share),
                time(p95.and_then(|p95| p95.run)),
                time(p95.and_then(|p95| p95.baseline)),
                p95.and_then(|p95| p95.ratio).map_or("-".to_owned(), |ratio| change(ratio.value)),
            )?;
        }
        let more = endpoints.len().saturating_sub(MAX_ENDPOINTS) as u64 + verdict.endpoints_left_out;
        if more > 0 {
            writeln!(out, "  and {} more", counted(more, "endpoint", "endpoints"))?;
        }
    }
    Ok(())
}

fn write_responses(verdict: &Verdict, out: &mut String) -> fmt::Result {
    let responses = &verdict.responses;
    writeln!(
        out,
        "\nanswers\n  {} of {} equal, {} differ",
        thousands(responses.equal),
        counted(responses.pairs, "pair", "pairs"),
        thousands(responses.differing)
    )?;
    for group in responses.groups.iter().take(MAX_GROUPS) {
        writeln!(out, "  {:>6} × {} {} at {}", thousands(group.count), group.kind, group.endpoint, group.path)?;
        for example in group.examples.iter().take(2) {
            let shown = |value: &Option<String>| value.as_deref().unwrap_or("(nothing)").to_owned();
            writeln!(out, "           exchange {}: {} → {}", example.exchange, shown(&example.baseline), shown(&example.run))?;
        }
    }
    let more = responses.groups.len().saturating_sub(MAX_GROUPS) as u64 + responses.groups_left_out;
    if more > 0 {
        writeln!(out, "  and {} more", counted(more, "group", "groups"))?;
    }
    Ok(())
}

fn write_state(verdict: &Verdict, out: &mut String) -> fmt::Result {
    let Some(state) = &verdict.state else { return Ok(()) };
    writeln!(out, "\nstate ({} {} against {} {})", state.database, state.schema, state.baseline_database, state.baseline_schema)?;
    for entity in &state.entities {
        let differs = entity.missing + entity.extra + entity.changed > 0 || !entity.columns_apart.is_empty();
        let summary = if differs {
            format!(
                "{} equal, {} missing, {} extra, {} changed",
                thousands(entity.equal),
                thousands(entity.missing),
                thousands(entity.extra),
                thousands(entity.changed)
            )
        } else {
            format!("{} equal", counted(entity.equal, "row", "rows"))
        };
        writeln!(out, "  {}: {summary}", entity.name)?;
        for row in entity.rows.iter().take(MAX_ROWS) {
            write_row(entity, row, out)?;
        }
        let more = (entity.missing + entity.extra + entity.changed).saturating_sub(entity.rows.len().min(MAX_ROWS) as u64);
        if more > 0 {
            writeln!(out, "    and {} more", counted(more, "row", "rows"))?;
        }
    }
    Ok(())
}

fn write_row(entity: &EntityComparison, row: &RowDifference, out: &mut String) -> fmt::Result {
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
    let key: Vec<_> = entity.key.iter().zip(&row.key).map(|(column, cell)| format!("{column}={}", value(cell))).collect();
    write!(out, "    {:<7} {}", row.kind, key.join(", "))?;
    for column in row.columns.iter().filter(|_| row.kind == RowDifferenceKind::Changed) {
        write!(out, "; {}: {} → {}", column.column, value(&column.baseline), value(&column.run))?;
    }
    if row.exchanges.is_empty() { writeln!(out) } else { writeln!(out, "  (written by exchange {})", row.exchanges.join(", ")) }
}

const MAX_ENDPOINTS: usize = 12;
const MAX_GROUPS: usize = 12;
const MAX_ROWS: usize = 10;
