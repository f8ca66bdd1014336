//! A recording opens as it is in DuckDB and in pandas: the queries of `docs/formats.md`, run for real.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod traffic;

use std::path::Path;
use std::process::Command;

use reenact_formats::disk::recording::{RecordingWriter, WriterOptions};
use reenact_formats::model::{Action, LossLedger, Part, Redaction, Side};
use serde_json::{Value, json};
use traffic::{START, at, body, exchange, request, response};

/// Three parts: two sign-ups, four orders of which one failed, one redaction.
fn write(dir: &Path) {
    let mut writer = RecordingWriter::create(dir, WriterOptions { part_bytes: 2000, ..WriterOptions::default() }).unwrap();
    let json_head = "Host: shop.example\r\nContent-Type: application/json; charset=utf-8\r\n\r\n";
    for n in 0..2_u32 {
        let mut sign_up = exchange(
            u64::from(n) + 1,
            1,
            u64::from(n) * 100,
            request(&format!("POST /customers HTTP/1.1\r\n{json_head}"), body("{}")),
            response("HTTP/1.1 201 Created\r\n\r\n", body("")),
        );
        sign_up.redactions = vec![Redaction {
            side: Side::Request,
            part: Part::Body,
            span: 0..2,
            rule: "email".to_owned(),
            domain: "email".to_owned(),
            action: Action::Pseudonym,
            path: "body:/email".to_owned(),
        }];
        writer.write(&sign_up).unwrap();
    }
    for n in 0..4_u32 {
        let status = if n == 3 { "500 Oops" } else { "200 OK" };
        let answer = response(&format!("HTTP/1.1 {status}\r\n\r\n"), body("x".repeat(100 * (n as usize + 1))));
        let order = request(&format!("GET /orders/{n}?page=2 HTTP/1.1\r\nHost: shop.example\r\n\r\n"), body(""));
        writer.write(&exchange(1, n + 2, 1000 + u64::from(n), order, answer)).unwrap();
    }
    let manifest = writer.finish(&LossLedger::default()).unwrap();
    assert!(manifest.parts.len() > 1, "more than one part is to be opened");
}

/// What a Python script prints, as JSON; none if it says that a module is missing.
fn python(module: &str, script: &str, dir: &Path) -> Option<Value> {
    let is_there = Command::new("python3").args(["-c", &format!("import {module}")]).output().is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("skipped: {module} is not installed for python3");
        return None;
    }
    let output = Command::new("python3").args(["-c", script]).arg(dir).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn duckdb_queries_a_recording() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("rec");
    write(&dir);
    let script = r#"
import duckdb, json, sys
def query(sql): return duckdb.sql(sql.replace("REC", f"'{sys.argv[1]}/*.parquet'")).fetchall()
print(json.dumps({
  "endpoints": query("select method, endpoint, count(*), max(status), sum(response_bytes)::bigint from REC group by all order by 2"),
  "start": query("select min(start_ns), max(start_ns), epoch_us(min(start)) from REC")[0],
  "slow": query("select id, duration_ns // 1000000 from REC where status >= 500"),
  "window": query("select count(*) from REC where start >= '2026-11-20T12:03:01Z'")[0],
  "rate": query("select strftime(date_trunc('second', start), '%H:%M:%S'), count(*) from REC group by 1 order by 1"),
  "hosts": query("select distinct host, request_content_type from REC where method = 'POST'"),
  "redactions": query("select r.rule, r.path, count(*) from (select unnest(redactions) as r from REC) group by all"),
  "heads": query("select decode(request_head[1:9]) from REC where id = '1.2'")[0],
  "parts": query("select count(*) from parquet_kv_metadata(REC) where decode(key) = 'reenact.state' and decode(value) = 'raw'")[0],
}))
"#;
    let Some(found) = python("duckdb", script, &dir) else { return };
    let head = |status: &str| format!("HTTP/1.1 {status}\r\n\r\n").len() as u64;
    let order_bytes = 1000 + 3 * head("200 OK") + head("500 Oops");
    for (key, expected) in [
        ("endpoints", json!([["POST", "/customers", 2, 201, 2 * head("201 Created")], ["GET", "/orders/{}", 4, 500, order_bytes]])),
        ("start", json!([at(0).as_nanos(), at(1003).as_nanos(), at(0).as_nanos() / 1000])),
        ("slow", json!([["1.5", 4]])),
        ("window", json!([4])),
        ("rate", json!([["12:03:00", 2], ["12:03:01", 4]])),
        ("hosts", json!([["shop.example", "application/json"]])),
        ("redactions", json!([["email", "body:/email", 2]])),
        ("heads", json!(["GET /orde"])),
    ] {
        assert_eq!(found[key], expected, "{key}");
    }
    assert!(found["parts"][0].as_u64().unwrap() > 1);
}

#[test]
fn pandas_reads_a_recording() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("rec");
    write(&dir);
    let script = r#"
import json, sys, glob, pandas
rec = pandas.read_parquet(sorted(glob.glob(f"{sys.argv[1]}/*.parquet")))
print(json.dumps({
  "rows": len(rec),
  "endpoints": rec.groupby("endpoint").size().to_dict(),
  "start": [rec["start"].min().isoformat(), str(rec["start"].dtype)],
  "failed": rec[rec["status"] >= 500]["id"].tolist(),
  "heads": [head[:9].decode() for head in rec[rec["id"] == "1.2"]["request_head"]],
  "rules": [redaction["rule"] for redactions in rec["redactions"] for redaction in redactions],
}))
"#;
    let Some(found) = python("pandas, pyarrow", script, &dir) else { return };
    let expected = json!({
        "rows": 6,
        "endpoints": { "/customers": 2, "/orders/{}": 4 },
        "start": [START.trim_end_matches('Z'), "datetime64[us]"],
        "failed": ["1.5"],
        "heads": ["GET /orde"],
        "rules": ["email", "email"],
    });
    assert_eq!(found, expected);
}
