//! How fast detection is on one core: reads samples, one JSON object a line with `text` and `content_type`, looks for what would be
//! redacted in all of them again and again for some seconds, and prints megabytes of text a second.
//!
//!     cargo run --release -p reenact-sanitize --example throughput -- SAMPLES.jsonl [SECONDS]

#![expect(clippy::disallowed_methods, reason = "it measures the time that passes")]

use std::error::Error;
use std::time::{Duration, Instant};

use reenact_sanitize::{Key, Policy, Redactor};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("name a file of samples")?;
    let least = Duration::from_secs_f64(arguments.next().map_or(Ok(5.0), |seconds| seconds.parse())?);
    let samples: Vec<(String, String)> = std::fs::read_to_string(file)?
        .lines()
        .map(|line| {
            let sample: serde_json::Value = serde_json::from_str(line)?;
            let text = |name: &str| sample[name].as_str().unwrap_or_default().to_owned();
            Ok((text("content_type"), text("text")))
        })
        .collect::<Result<_, serde_json::Error>>()?;
    let size: usize = samples.iter().map(|(_, text)| text.len()).sum();
    let redactor = Redactor::new(&Policy::default(), &Key::generate()?);
    // The first time warms what is made when it is first needed.
    let found = look_at(&redactor, &samples);
    let (mut rounds, began) = (0_u32, Instant::now());
    while began.elapsed() < least {
        assert_eq!(look_at(&redactor, &samples), found, "the same is found each time");
        rounds += 1;
    }
    let rate = size as f64 * f64::from(rounds) / began.elapsed().as_secs_f64() / 1e6;
    println!("{rate:.2} MB/s ({} samples, {size} bytes, {found} found, {rounds} rounds)", samples.len());
    Ok(())
}

fn look_at(redactor: &Redactor, samples: &[(String, String)]) -> usize {
    samples.iter().map(|(media_type, text)| redactor.spans(media_type, text.as_bytes()).len()).sum()
}
