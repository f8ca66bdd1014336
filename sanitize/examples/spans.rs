//! Says what would be redacted: reads lines `{"text": …, "content_type": …}` and writes a JSON array a line of
//! `[start, end, "rule"]`, in bytes of the text. The default policy, a key that is forgotten.
//!
//! ```sh
//! zcat labelled.jsonl.gz | cargo run --release --example spans > found.jsonl
//! ```

use std::error::Error;
use std::io::{BufRead, Write};

use reenact_sanitize::{Key, Policy, Redactor};

fn main() -> Result<(), Box<dyn Error>> {
    let redactor = Redactor::new(&Policy::default(), &Key::generate()?);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let sample: serde_json::Value = serde_json::from_str(&line?)?;
        let text = sample["text"].as_str().ok_or("a line has no text")?;
        let media_type = sample["content_type"].as_str().unwrap_or_default();
        let spans: Vec<_> = redactor.spans(media_type, text.as_bytes()).into_iter().map(|(span, rule)| (span.start, span.end, rule)).collect();
        writeln!(out, "{}", serde_json::to_string(&spans)?)?;
    }
    Ok(())
}
