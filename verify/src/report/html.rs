//! One HTML file that needs nothing else: styles and charts stand in it, and it has no script.
//!
//! It begins with what was decided and why, then figures, charts, answers, state, and ends with where it all came from. Every
//! text that comes from a run or a database is [`Escaped`].

use std::fmt::{self, Display, Write as _};

use reenact_formats::disk::verdict::{
    EntityComparison, Event, Judgement, Latency, Measure, ObjectiveResult, Responses, RowDifference, RowDifferenceKind, RunFacts, ScopeKind, Sli, Slice, State,
    Verdict, Weight, Which,
};
use reenact_formats::disk::version::RELEASE;

use super::Named;
use super::svg::{self, OverTime};
use crate::words::{change, counted, milliseconds, rate, share, thousands};

/// The verdicts as one HTML file.
pub fn html(verdicts: &[Named<'_>]) -> String {
    let mut out = String::with_capacity(64 * 1024);
    page(&mut out, verdicts).expect("a String takes all");
    out
}

/// A text as it must be written in HTML, between tags or in a quoted attribute.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                // Neither control characters nor those that turn the direction of the text around them.
                c if (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => f.write_str("\u{fffd}")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

fn page(out: &mut String, verdicts: &[Named<'_>]) -> fmt::Result {
    let title = match verdicts {
        [one] => format!("{}: {}", one.name, one.verdict.judgement),
        many => counted(many.len() as u64, "verdict", "verdicts"),
    };
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>reenact · {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header class=\"top\">\n<h1>reenact report</h1>\n",
        Escaped(&title)
    )?;
    if let Some(first) = verdicts.first() {
        let run = &first.verdict.run;
        writeln!(out, "<p class=\"muted\">Recording <code>{}</code>, replayed {}</p>", Escaped(&run.recording), Escaped(&day_and_time(&run.started)))?;
    }
    if verdicts.len() > 1 {
        out.write_str("<nav aria-label=\"Verdicts\"><ul class=\"overview\">\n")?;
        for (number, named) in verdicts.iter().enumerate() {
            writeln!(
                out,
                "<li><a href=\"#v{number}\">{}<strong>{}</strong><span class=\"muted small\">{}</span></a></li>",
                badge(named.verdict.judgement),
                Escaped(named.name),
                Escaped(&summary(named.verdict))
            )?;
        }
        out.write_str("</ul></nav>\n")?;
    }
    out.write_str("</header>\n<main>\n")?;
    for (number, named) in verdicts.iter().enumerate() {
        section(out, number, named)?;
    }
    write!(
        out,
        "</main>\n<footer>Made by reenact {RELEASE}. All values are redacted; times of the run start when its first request was due.</footer>\n</body>\n</html>\n"
    )
}

fn section(out: &mut String, number: usize, named: &Named<'_>) -> fmt::Result {
    let verdict = named.verdict;
    write!(
        out,
        "<section class=\"verdict\" id=\"v{number}\" aria-labelledby=\"v{number}-h\">\n<div class=\"title\"><h2 id=\"v{number}-h\">{}</h2>{}</div>\n<p class=\"muted\">{}</p>\n",
        Escaped(named.name),
        badge(verdict.judgement),
        Escaped(&summary(verdict))
    )?;
    facts(out, verdict)?;
    reasons(out, verdict)?;
    objectives(out, verdict)?;
    if let Some(state) = &verdict.state {
        states(out, state)?;
    }
    responses(out, &verdict.responses)?;
    charts(out, number, verdict)?;
    figures(out, verdict)?;
    endpoint_bars(out, verdict)?;
    timeline(out, &verdict.charts.events)?;
    provenance(out, verdict)?;
    out.write_str("</section>\n")
}

fn badge(judgement: Judgement) -> String {
    format!("<span class=\"badge {judgement}\">{judgement}</span>")
}

/// The verdict in one sentence.
fn summary(verdict: &Verdict) -> String {
    let of = |weight| verdict.reasons.iter().filter(|reason| reason.weight == weight).count() as u64;
    match verdict.judgement {
        Judgement::Fail => {
            let mut places: Vec<&str> = Vec::new();
            for reason in verdict.reasons.iter().filter(|reason| reason.weight == Weight::Breach) {
                if !places.contains(&reason.place.as_str()) {
                    places.push(&reason.place);
                }
            }
            let more = if places.len() > 3 { ", …" } else { "" };
            places.truncate(3);
            format!("{}: {}{more}", counted(of(Weight::Breach), "breach", "breaches"), places.join(", "))
        }
        Judgement::Inconclusive => format!(
            "Nothing was breached, but there {} to say that all is well",
            match of(Weight::Doubt) {
                1 => "is 1 reason not".to_owned(),
                many => format!("are {many} reasons not"),
            }
        ),
        _ => format!("Nothing was breached in {}", counted(verdict.responses.pairs, "pair of answers", "pairs of answers")),
    }
}

fn facts(out: &mut String, verdict: &Verdict) -> fmt::Result {
    let Some(all) = verdict.slis.first() else { return Ok(()) };
    let p95 = latency(all, Measure::Response, 95.0);
    let rows = verdict.state.as_ref().map(|state| state.entities.iter().map(|entity| entity.missing + entity.extra + entity.changed).sum::<u64>());
    let shown = |value: Option<f64>, of: fn(f64) -> String| value.map_or("–".to_owned(), of);
    let tiles = [
        (thousands(all.run.requests), "requests replayed".to_owned()),
        (shown(all.run.success, share), format!("success, baseline {}", shown(all.baseline.success, share))),
        (
            shown(p95.and_then(|p95| p95.run).map(|quantile| quantile.ms), milliseconds),
            format!("p95 response, baseline {}", shown(p95.and_then(|p95| p95.baseline).map(|quantile| quantile.ms), milliseconds)),
        ),
        (shown(all.run.throughput, rate), format!("throughput, baseline {}", shown(all.baseline.throughput, rate))),
        (thousands(verdict.responses.differing), format!("of {} differ", counted(verdict.responses.pairs, "answer", "answers"))),
        (rows.map_or("–".to_owned(), thousands), rows.map_or("state not compared", |_| "rows differ").to_owned()),
    ];
    out.write_str("<ul class=\"facts\">")?;
    for (value, what) in tiles {
        write!(out, "<li><b>{}</b><span>{}</span></li>", Escaped(&value), Escaped(&what))?;
    }
    out.write_str("</ul>\n")
}

fn reasons(out: &mut String, verdict: &Verdict) -> fmt::Result {
    if verdict.reasons.is_empty() && verdict.notes.is_empty() {
        return Ok(());
    }
    out.write_str("<div class=\"card\"><h3>Reasons</h3><ul class=\"reasons\">\n")?;
    for reason in &verdict.reasons {
        writeln!(
            out,
            "<li><span class=\"tag {weight}\">{weight}</span><span class=\"what\"><b>{}</b><br>{}</span></li>",
            Escaped(&reason.place),
            Escaped(&reason.text),
            weight = reason.weight
        )?;
    }
    for note in &verdict.notes {
        writeln!(out, "<li><span class=\"tag\">note</span><span class=\"what muted\">{}</span></li>", Escaped(note))?;
    }
    out.write_str("</ul></div>\n")
}

fn objectives(out: &mut String, verdict: &Verdict) -> fmt::Result {
    if verdict.objectives.is_empty() {
        return Ok(());
    }
    open_table(out, "Objectives", &[("", ""), ("Objective", ""), ("Measured", "")])?;
    for objective in &verdict.objectives {
        let class = match objective.result {
            ObjectiveResult::Met => "pass",
            ObjectiveResult::Missed => "breach",
            _ => "doubt",
        };
        writeln!(
            out,
            "<tr><td><span class=\"tag {class}\">{}</span></td><td>{}</td><td>{}</td></tr>",
            objective.result,
            Escaped(&objective.text),
            Escaped(&objective.measured)
        )?;
    }
    close_table(out)
}

fn states(out: &mut String, state: &State) -> fmt::Result {
    write!(
        out,
        "<div class=\"card\"><h3>State <span class=\"muted small\">{} {} against {} {}</span></h3>",
        Escaped(&state.database),
        Escaped(&state.schema),
        Escaped(&state.baseline_database),
        Escaped(&state.baseline_schema)
    )?;
    table(
        out,
        "Entities",
        &[
            ("Entity", ""),
            ("Key", ""),
            ("Rows", "number"),
            ("Baseline", "number"),
            ("Equal", "number"),
            ("Missing", "number"),
            ("Extra", "number"),
            ("Changed", "number"),
            ("Root", ""),
        ],
    )?;
    for entity in &state.entities {
        let loud = |count: u64| if count == 0 { "<span class=\"muted\">0</span>".to_owned() } else { format!("<b class=\"bad\">{}</b>", thousands(count)) };
        let root = if entity.run_root == entity.baseline_root { "<span class=\"good\">equal</span>" } else { "<span class=\"bad\">differs</span>" };
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td><code>{}</code></td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td>{root} <code class=\"muted\">{:.8}</code></td></tr>",
            Escaped(&entity.name),
            Escaped(&entity.key.join(", ")),
            thousands(entity.run_rows),
            thousands(entity.baseline_rows),
            thousands(entity.equal),
            loud(entity.missing),
            loud(entity.extra),
            loud(entity.changed),
            entity.run_root
        )?;
    }
    out.write_str("</tbody></table></div>\n")?;
    for entity in state.entities.iter().filter(|entity| !entity.rows.is_empty() || !entity.columns_apart.is_empty()) {
        write!(out, "<h4>{}</h4>", Escaped(&entity.name))?;
        if !entity.columns_apart.is_empty() {
            write!(out, "<p>Its columns differ, so that its rows cannot be compared: {}</p>", Escaped(&entity.columns_apart.join(", ")))?;
        }
        if !entity.rows.is_empty() {
            rows(out, entity)?;
        }
    }
    out.write_str("</div>\n")
}

/// The differing rows of an entity: the first few at once, the others folded away.
fn rows(out: &mut String, entity: &EntityComparison) -> fmt::Result {
    let (first, more) = entity.rows.split_at(entity.rows.len().min(ROWS_AT_ONCE));
    row_table(out, entity, first)?;
    if !more.is_empty() {
        write!(out, "<details><summary>{} more</summary>", counted(more.len() as u64, "row", "rows"))?;
        row_table(out, entity, more)?;
        out.write_str("</details>")?;
    }
    let unlisted = (entity.missing + entity.extra + entity.changed).saturating_sub(entity.rows.len() as u64);
    if unlisted > 0 {
        write!(out, "<p class=\"muted small\">and {} that {} not listed</p>", counted(unlisted, "row", "rows"), if unlisted == 1 { "is" } else { "are" })?;
    }
    Ok(())
}

fn row_table(out: &mut String, entity: &EntityComparison, rows: &[RowDifference]) -> fmt::Result {
    let mut heads = vec![("", "")];
    heads.extend(entity.key.iter().map(|column| (column.as_str(), "")));
    heads.extend([("Columns: baseline, run", ""), ("Written by", "")]);
    table(out, &format!("Rows of {} that differ", entity.name), &heads)?;
    for row in rows {
        let class = if row.kind == RowDifferenceKind::Changed { "doubt" } else { "breach" };
        write!(out, "<tr><td><span class=\"tag {class}\">{}</span></td>", row.kind)?;
        for cell in &row.key {
            write!(out, "<td>{}</td>", value(cell.as_deref()))?;
        }
        out.write_str("<td><ul class=\"columns flow\">")?;
        for column in &row.columns {
            write!(out, "<li><code>{}</code> ", Escaped(&column.column))?;
            if row.kind != RowDifferenceKind::Extra {
                write!(out, "<del>{}</del> ", value(column.baseline.as_deref()))?;
            }
            if row.kind != RowDifferenceKind::Missing {
                write!(out, "<ins>{}</ins>", value(column.run.as_deref()))?;
            }
            out.write_str("</li>")?;
        }
        writeln!(out, "</ul></td><td><code>{}</code></td></tr>", Escaped(&row.exchanges.join(", ")))?;
    }
    out.write_str("</tbody></table></div>\n")
}

fn value(cell: Option<&str>) -> String {
    match cell {
        Some("") => "<span class=\"muted\">empty</span>".to_owned(),
        Some(text) => format!("<code>{}</code>", Escaped(text)),
        None => "<span class=\"muted\">null</span>".to_owned(),
    }
}

fn responses(out: &mut String, responses: &Responses) -> fmt::Result {
    write!(
        out,
        "<div class=\"card\"><h3>Answers <span class=\"muted small\">{} of {} equal</span></h3>",
        thousands(responses.equal),
        counted(responses.pairs, "pair", "pairs")
    )?;
    if responses.groups.is_empty() {
        out.write_str("<p>Every answer equals the baseline's, what the target makes anew aside.</p>")?;
    } else {
        table(out, "Groups of differences", &[("", ""), ("Pairs", "number"), ("Endpoint", ""), ("Where", ""), ("Examples: exchange, baseline, run", "")])?;
        for group in &responses.groups {
            let class = if group.breach { "breach" } else { "" };
            write!(
                out,
                "<tr><td><span class=\"tag {class}\">{}</span></td><td class=\"number\">{}</td><td><code>{}</code></td><td><code>{}</code></td><td><ul class=\"columns\">",
                group.kind,
                thousands(group.count),
                Escaped(&group.endpoint),
                Escaped(&group.path)
            )?;
            for example in group.examples.iter().take(EXAMPLES) {
                let copy = if example.copy > 0 { format!(", copy {}", example.copy) } else { String::new() };
                write!(out, "<li><code class=\"muted\">{}{copy}</code> ", Escaped(&example.exchange))?;
                if let Some(baseline) = &example.baseline {
                    write!(out, "<del>{}</del> ", value(Some(baseline)))?;
                }
                if let Some(run) = &example.run {
                    write!(out, "<ins>{}</ins>", value(Some(run)))?;
                }
                out.write_str("</li>")?;
            }
            out.write_str("</ul></td></tr>\n")?;
        }
        out.write_str("</tbody></table></div>\n")?;
        if responses.groups_left_out > 0 {
            write!(out, "<p class=\"muted small\">and {} more</p>", counted(responses.groups_left_out, "group", "groups"))?;
        }
    }
    if !responses.made_anew.is_empty() {
        write!(
            out,
            "<details><summary>Made anew by the target: {}, compared by presence and type</summary>",
            counted(responses.made_anew.len() as u64, "place", "places")
        )?;
        table(out, "Places whose values the target makes anew", &[("Endpoint", ""), ("Where", ""), ("Told by", ""), ("Pairs", "number")])?;
        for place in &responses.made_anew {
            writeln!(
                out,
                "<tr><td><code>{}</code></td><td><code>{}</code></td><td>{}</td><td class=\"number\">{}</td></tr>",
                Escaped(&place.endpoint),
                Escaped(&place.path),
                Escaped(&place.told_by),
                thousands(place.count)
            )?;
        }
        out.write_str("</tbody></table></div></details>")?;
    }
    out.write_str("</div>\n")
}

fn charts(out: &mut String, number: usize, verdict: &Verdict) -> fmt::Result {
    let charts = &verdict.charts;
    if charts.run.iter().chain(&charts.baseline).all(|slice| slice.answers + slice.errors == 0) {
        return Ok(());
    }
    let events: Vec<Event> = charts.events.iter().filter(|event| event.which == Which::Run).cloned().collect();
    out.write_str("<div class=\"card\"><h3>Over time</h3><ul class=\"legend\">")?;
    for (class, word) in [("run", "run"), ("baseline", "baseline")] {
        write!(out, "<li><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><line class=\"{class}\" x1=\"1\" x2=\"25\" y1=\"5\" y2=\"5\"/></svg>{word}</li>")?;
    }
    if charts.run.iter().any(|slice| slice.errors > 0) {
        out.write_str("<li><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><rect class=\"error-bar\" x=\"11\" y=\"2\" width=\"4\" height=\"6\"/></svg>failed requests</li>")?;
    }
    for (place, event) in events.iter().enumerate() {
        write!(
            out,
            "<li><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><line class=\"mark\" x1=\"13\" x2=\"13\" y1=\"0\" y2=\"10\"/></svg>{} · {}</li>",
            place + 1,
            Escaped(&event.text)
        )?;
    }
    out.write_str("</ul><div class=\"charts\">")?;
    let answers = |slice: &Slice, slice_ms: f64| Some(slice.answers as f64 * 1e3 / slice_ms);
    type Chart = (&'static str, &'static str, fn(&Slice, f64) -> Option<f64>, fn(f64) -> String, bool);
    let over_time: [Chart; 4] = [
        ("p50", "Response time, p50", |slice, _| slice.p50_ms, milliseconds, false),
        ("p95", "Response time, p95", |slice, _| slice.p95_ms, milliseconds, false),
        ("p99", "Response time, p99", |slice, _| slice.p99_ms, milliseconds, false),
        ("rate", "Throughput", answers, svg::per_second, true),
    ];
    for (name, title, of, shown, errors) in over_time {
        write!(out, "<figure><figcaption>{title}</figcaption>")?;
        let id = format!("v{number}-{name}");
        OverTime { id: &id, title, slice_ms: charts.slice_ms, run: &charts.run, baseline: &charts.baseline, events: &events, of, shown, errors }.draw(out)?;
        out.write_str("</figure>")?;
    }
    if !charts.distribution.is_empty() {
        out.write_str("<figure><figcaption>Distribution of response times <span>share of answers</span></figcaption>")?;
        svg::distribution(out, &format!("v{number}-dist"), "Distribution of response times", &charts.distribution)?;
        out.write_str("</figure>")?;
    }
    out.write_str("</div></div>\n")
}

fn figures(out: &mut String, verdict: &Verdict) -> fmt::Result {
    if let Some(all) = verdict.slis.first() {
        open_table(out, "Figures", &[("", ""), ("Run", "number"), ("Baseline", "number"), ("Change", "number"), ("95 % interval", "number")])?;
        let number = |out: &mut String, name: &str, run: Option<f64>, baseline: Option<f64>, shown: fn(f64) -> String| {
            let moved = run.zip(baseline).filter(|(_, baseline)| *baseline > 0.0).map_or("–".to_owned(), |(run, baseline)| change(run / baseline));
            let cell = |value: Option<f64>| value.map_or("–".to_owned(), shown);
            writeln!(
                out,
                "<tr><th scope=\"row\">{name}</th><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{moved}</td><td></td></tr>",
                cell(run),
                cell(baseline)
            )
        };
        number(out, "requests", Some(all.run.requests as f64), Some(all.baseline.requests as f64), |count| thousands(count as u64))?;
        number(out, "success", all.run.success, all.baseline.success, share)?;
        number(out, "throughput", all.run.throughput, all.baseline.throughput, rate)?;
        number(out, "completion time", Some(verdict.run.duration_ms), Some(verdict.baseline.duration_ms), milliseconds)?;
        for latency in &all.latencies {
            let cell = |quantile: Option<reenact_formats::disk::verdict::Quantile>| quantile.map_or("–".to_owned(), |quantile| milliseconds(quantile.ms));
            let (moved, interval) = latency
                .ratio
                .map_or(("–".to_owned(), String::new()), |ratio| (change(ratio.value), format!("{} to {}", change(ratio.low), change(ratio.high))));
            writeln!(
                out,
                "<tr><th scope=\"row\">{} time, p{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{moved}</td><td class=\"number muted\">{interval}</td></tr>",
                latency.measure,
                latency.percentile,
                cell(latency.run),
                cell(latency.baseline)
            )?;
        }
        close_table(out)?;
    }
    for (kind, title) in [(ScopeKind::Endpoint, "Endpoints, worst first"), (ScopeKind::Phase, "Phases")] {
        let slis: Vec<_> = verdict.slis.iter().filter(|sli| sli.scope == kind).collect();
        if slis.is_empty() {
            continue;
        }
        open_table(
            out,
            title,
            &[
                (if kind == ScopeKind::Endpoint { "Endpoint" } else { "Phase" }, ""),
                ("Requests", "number"),
                ("Success", "number"),
                ("Baseline", "number"),
                ("p50", "number"),
                ("p95", "number"),
                ("Baseline", "number"),
                ("Change (95 % interval)", "number"),
                ("p99", "number"),
            ],
        )?;
        for sli in &slis {
            scope_row(out, sli)?;
        }
        close_table(out)?;
        if kind == ScopeKind::Endpoint && verdict.endpoints_left_out > 0 {
            write!(out, "<p class=\"muted small\">{} left out</p>", counted(verdict.endpoints_left_out, "endpoint was", "endpoints were"))?;
        }
    }
    Ok(())
}

fn scope_row(out: &mut String, sli: &Sli) -> fmt::Result {
    let time = |latency: Option<&Latency>| latency.and_then(|latency| latency.run).map_or("–".to_owned(), |quantile| milliseconds(quantile.ms));
    let p95 = latency(sli, Measure::Response, 95.0);
    let before = p95.and_then(|p95| p95.baseline).map_or("–".to_owned(), |quantile| milliseconds(quantile.ms));
    let moved = p95
        .and_then(|p95| p95.ratio)
        .map_or("–".to_owned(), |ratio| format!("{} <span class=\"muted\">({} to {})</span>", change(ratio.value), change(ratio.low), change(ratio.high)));
    let lost = sli.run.success < sli.baseline.success;
    writeln!(
        out,
        "<tr><th scope=\"row\"><code>{}</code></th><td class=\"number\">{}</td><td class=\"number{}\">{}</td><td class=\"number muted\">{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number muted\">{before}</td><td class=\"number\">{moved}</td><td class=\"number\">{}</td></tr>",
        Escaped(&sli.name),
        thousands(sli.run.requests),
        if lost { " bad" } else { "" },
        sli.run.success.map_or("–".to_owned(), share),
        sli.baseline.success.map_or("–".to_owned(), share),
        time(latency(sli, Measure::Response, 50.0)),
        time(p95),
        time(latency(sli, Measure::Response, 99.0))
    )
}

fn endpoint_bars(out: &mut String, verdict: &Verdict) -> fmt::Result {
    let p95 = |sli: &Sli| {
        latency(sli, Measure::Response, 95.0).map(|p95| (p95.run.map_or(0.0, |quantile| quantile.ms), p95.baseline.map_or(0.0, |quantile| quantile.ms)))
    };
    let bars: Vec<_> = verdict.slis.iter().filter(|sli| sli.scope == ScopeKind::Endpoint).filter_map(|sli| Some((sli, p95(sli)?))).take(BARS).collect();
    let longest = bars.iter().fold(0.0_f64, |longest, (_, (run, baseline))| longest.max(*run).max(*baseline));
    if bars.is_empty() || longest <= 0.0 {
        return Ok(());
    }
    out.write_str(
        "<div class=\"card\"><h3>p95 response time by endpoint</h3><ul class=\"legend\"><li><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><rect class=\"run-bar\" x=\"1\" y=\"1\" width=\"24\" height=\"8\"/></svg>run</li>\
         <li><svg viewBox=\"0 0 26 10\" aria-hidden=\"true\"><rect class=\"baseline-bar\" x=\"1\" y=\"2\" width=\"24\" height=\"5\"/></svg>baseline</li></ul><ul class=\"bars\">\n",
    )?;
    for (sli, (run, baseline)) in bars {
        write!(out, "<li><code>{}</code>", Escaped(&sli.name))?;
        svg::bars(out, run, baseline, longest)?;
        writeln!(out, "<span class=\"number\">{} <span class=\"muted\">baseline {}</span></span></li>", milliseconds(run), milliseconds(baseline))?;
    }
    out.write_str("</ul></div>\n")
}

fn timeline(out: &mut String, events: &[Event]) -> fmt::Result {
    if events.is_empty() {
        return Ok(());
    }
    out.write_str("<div class=\"card\"><h3>Timeline</h3><ul class=\"timeline\">\n")?;
    for event in events {
        let took = event.took_ms.map(|took| format!(" <span class=\"muted\">took {}</span>", milliseconds(took))).unwrap_or_default();
        let which = if event.which == Which::Run { "" } else { "<span class=\"tag\">baseline</span> " };
        writeln!(out, "<li><span class=\"number\">{}</span><span>{which}{}{took}</span></li>", milliseconds(event.at_ms), Escaped(&event.text))?;
    }
    out.write_str("</ul></div>\n")
}

fn provenance(out: &mut String, verdict: &Verdict) -> fmt::Result {
    type Fact = (&'static str, fn(&RunFacts) -> String);
    let facts: [Fact; 13] = [
        ("folder", |facts| facts.path.clone()),
        ("target", |facts| facts.target.clone()),
        ("recording", |facts| facts.recording.clone()),
        ("recording digest", |facts| facts.recording_digest.clone()),
        ("started", |facts| facts.started.clone()),
        ("completion", |facts| if facts.complete { "whole".to_owned() } else { "stopped before its end".to_owned() }),
        ("duration", |facts| milliseconds(facts.duration_ms)),
        ("speed", |facts| format!("×{}", facts.speed)),
        ("session", |facts| facts.session.clone()),
        ("seed", |facts| facts.seed.to_string()),
        ("tags", |facts| facts.tags.join(", ")),
        ("key id", |facts| facts.key_id.clone()),
        ("policy digest", |facts| facts.policy_digest.clone()),
    ];
    out.write_str("<div class=\"card provenance\"><h3>Provenance</h3>")?;
    table(out, "Where the run and the baseline come from", &[("", ""), ("Run", ""), ("Baseline", "")])?;
    for (name, of) in facts {
        writeln!(
            out,
            "<tr><th scope=\"row\">{name}</th><td><code>{}</code></td><td><code>{}</code></td></tr>",
            Escaped(&of(&verdict.run)),
            Escaped(&of(&verdict.baseline))
        )?;
    }
    out.write_str("</tbody></table></div></div>\n")
}

fn latency(sli: &Sli, measure: Measure, percentile: f64) -> Option<&Latency> {
    sli.latencies.iter().find(|latency| latency.measure == measure && latency.percentile == percentile)
}

/// A card with a title and a table, up to its body.
fn open_table(out: &mut String, title: &str, heads: &[(&str, &str)]) -> fmt::Result {
    write!(out, "<div class=\"card\"><h3>{title}</h3>")?;
    table(out, title, heads)
}

fn close_table(out: &mut String) -> fmt::Result {
    out.write_str("</tbody></table></div></div>\n")
}

/// A table in a box of its own that scrolls, by keyboard too, up to its body.
fn table(out: &mut String, label: &str, heads: &[(&str, &str)]) -> fmt::Result {
    write!(out, "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\"><table><thead><tr>", Escaped(label))?;
    for (head, class) in heads {
        write!(out, "<th scope=\"col\" class=\"{class}\">{}</th>", Escaped(head))?;
    }
    out.write_str("</tr></thead><tbody>\n")
}

/// `2026-11-22 15:00:00 UTC` for an RFC 3339 time.
fn day_and_time(started: &str) -> String {
    let shown = started.split('.').next().unwrap_or_default().trim_end_matches('Z').replacen('T', " ", 1);
    if shown.is_empty() { "at an unknown time".to_owned() } else { format!("{shown} UTC") }
}

const STYLE: &str = include_str!("style.css");
const ROWS_AT_ONCE: usize = 12;
const EXAMPLES: usize = 3;
const BARS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_escaped() {
        for (text, expected) in [
            ("<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"),
            ("a&b \"c\"", "a&amp;b &quot;c&quot;"),
            ("line\nbreak\u{0}\u{202e}", "line\nbreak\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(Escaped(text).to_string(), expected);
        }
    }
}
