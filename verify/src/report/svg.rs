//! Charts as inline SVG: no script, no font, no network; colours come from the page's style sheet.
//!
//! All are 360 units wide, so that their letters keep their size in a column of that width, and each has a title, a
//! description, and the figures of every slice as a native tooltip.

use std::fmt::{self, Write as _};

use reenact_formats::disk::verdict::{Bucket, Event, Slice};

use super::html::Escaped;
use crate::words::{milliseconds, rate, thousands};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 24.0;

/// Values of two runs over time; `of` takes a slice's.
pub(super) struct OverTime<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) slice_ms: f64,
    pub(super) run: &'a [Slice],
    pub(super) baseline: &'a [Slice],
    pub(super) events: &'a [Event],
    pub(super) of: fn(&Slice, f64) -> Option<f64>,
    pub(super) shown: fn(f64) -> String,
    /// Whether slices with errors are marked at the foot.
    pub(super) errors: bool,
}

/// Where values stand in a chart.
struct Frame {
    x_max: f64,
    y_max: f64,
    step: f64,
}

impl Frame {
    fn new(x_max: f64, highest: f64) -> Self {
        let step = round_step(highest.max(1e-9) / 4.0);
        Self { x_max: x_max.max(1e-9), y_max: (highest / step).ceil().max(1.0) * step, step }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (value / self.x_max).clamp(0.0, 1.0)
    }

    fn y(&self, value: f64) -> f64 {
        TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - (value / self.y_max).clamp(0.0, 1.0))
    }

    /// Horizontal lines with their values.
    fn grid(&self, out: &mut String, shown: fn(f64) -> String) -> fmt::Result {
        let lines = (self.y_max / self.step).round() as u32;
        for line in 0..=lines {
            let value = f64::from(line) * self.step;
            let y = self.y(value);
            let class = if line == 0 { "axis" } else { "grid" };
            write!(out, r#"<line class="{class}" x1="{LEFT}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/>"#, WIDTH - RIGHT)?;
            write!(out, r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#, LEFT - 6.0, y + 4.0, Escaped(&shown(value)))?;
        }
        Ok(())
    }

    /// Times along the foot.
    fn times(&self, out: &mut String) -> fmt::Result {
        let step = round_step(self.x_max / 4.0);
        let marks = (self.x_max / step).floor() as u32;
        for mark in 0..=marks {
            let value = f64::from(mark) * step;
            let x = self.x(value);
            let anchor = if mark == 0 {
                "start"
            } else if x > WIDTH - RIGHT - 16.0 {
                "end"
            } else {
                "middle"
            };
            write!(out, r#"<text x="{x:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"#, HEIGHT - 8.0, Escaped(&short_time(value)))?;
        }
        Ok(())
    }
}

impl OverTime<'_> {
    pub(super) fn draw(&self, out: &mut String) -> fmt::Result {
        let slices = self.run.len().max(self.baseline.len());
        let value = |slice: &Slice| (self.of)(slice, self.slice_ms);
        let highest = self.run.iter().chain(self.baseline).filter_map(value).fold(0.0, f64::max);
        let frame = Frame::new(slices as f64 * self.slice_ms, highest);
        let middle = |place: usize| frame.x((place as f64 + 0.5) * self.slice_ms);
        open(out, self.id, self.title, &format!("One value for each {} of the run, and of the baseline.", milliseconds(self.slice_ms)))?;
        frame.grid(out, self.shown)?;
        frame.times(out)?;
        for (slices, class) in [(self.baseline, "baseline"), (self.run, "run")] {
            // A slice without an answer interrupts the line.
            let points: Vec<_> = slices.iter().enumerate().map(|(place, slice)| value(slice).map(|value| (middle(place), frame.y(value)))).collect();
            for stretch in points.split(Option::is_none).filter(|stretch| !stretch.is_empty()) {
                match stretch {
                    [Some((x, y))] => write!(out, r#"<circle class="{class}-dot" cx="{x:.1}" cy="{y:.1}" r="2.5"/>"#)?,
                    _ => {
                        let line: Vec<_> = stretch.iter().flatten().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
                        write!(out, r#"<polyline class="{class}" points="{}"/>"#, line.join(" "))?;
                    }
                }
            }
        }
        if self.errors {
            for place in (0..self.run.len()).filter(|place| self.run[*place].errors > 0) {
                let foot = frame.y(0.0);
                write!(out, r#"<rect class="error-bar" x="{:.1}" y="{:.1}" width="4" height="6"/>"#, middle(place) - 2.0, foot - 6.0)?;
            }
        }
        marks(out, self.events, &frame)?;
        let width = (WIDTH - LEFT - RIGHT) / slices.max(1) as f64;
        for place in 0..slices {
            let shown = |slices: &[Slice]| slices.get(place).and_then(value).map_or("–".to_owned(), self.shown);
            let mut tip = format!("at {}: run {}, baseline {}", short_time(place as f64 * self.slice_ms), shown(self.run), shown(self.baseline));
            if let Some(slice) = self.run.get(place).filter(|slice| self.errors && slice.errors > 0) {
                write!(tip, ", {} failed", thousands(slice.errors))?;
            }
            let x = LEFT + width * place as f64;
            write!(
                out,
                r#"<rect class="hover" x="{x:.1}" y="{TOP}" width="{width:.2}" height="{:.1}"><title>{}</title></rect>"#,
                HEIGHT - TOP - BOTTOM,
                Escaped(&tip)
            )?;
        }
        out.write_str("</svg>")
    }
}

/// How many answers took how long, on a logarithmic scale.
pub(super) fn distribution(out: &mut String, id: &str, title: &str, buckets: &[Bucket]) -> fmt::Result {
    let share = |count: u64, all: u64| if all == 0 { 0.0 } else { count as f64 / all as f64 };
    let (run_all, baseline_all) = buckets.iter().fold((0, 0), |(run, baseline), bucket| (run + bucket.run, baseline + bucket.baseline));
    let shares: Vec<_> = buckets.iter().map(|bucket| (share(bucket.run, run_all), share(bucket.baseline, baseline_all))).collect();
    let highest = shares.iter().fold(0.0_f64, |highest, (run, baseline)| highest.max(*run).max(*baseline));
    let frame = Frame::new(buckets.len() as f64, highest);
    open(out, id, title, "The share of answers in each range of response times, of the run and of the baseline.")?;
    frame.grid(out, percent)?;
    for (class, of) in [("baseline", 1), ("run", 0)] {
        let height = |place: usize| if of == 0 { shares[place].0 } else { shares[place].1 };
        let steps: Vec<_> = (0..buckets.len())
            .flat_map(|place| {
                let y = frame.y(height(place));
                [format!("{:.1},{y:.1}", frame.x(place as f64)), format!("{:.1},{y:.1}", frame.x(place as f64 + 1.0))]
            })
            .collect();
        let (left, right, foot) = (frame.x(0.0), frame.x(buckets.len() as f64), frame.y(0.0));
        write!(out, r#"<polygon class="{class}-area" points="{left:.1},{foot:.1} {} {right:.1},{foot:.1}"/>"#, steps.join(" "))?;
        write!(out, r#"<polyline class="{class}" points="{}"/>"#, steps.join(" "))?;
    }
    for place in [0, buckets.len() / 3, buckets.len() * 2 / 3, buckets.len()] {
        let edge = if place == buckets.len() { buckets.last().map(|bucket| bucket.to_ms) } else { buckets.get(place).map(|bucket| bucket.from_ms) };
        let anchor = if place == 0 {
            "start"
        } else if place == buckets.len() {
            "end"
        } else {
            "middle"
        };
        if let Some(edge) = edge {
            write!(out, r#"<text x="{:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"#, frame.x(place as f64), HEIGHT - 8.0, Escaped(&milliseconds(edge)))?;
        }
    }
    let width = (WIDTH - LEFT - RIGHT) / buckets.len().max(1) as f64;
    for (place, (bucket, (run, baseline))) in buckets.iter().zip(&shares).enumerate() {
        let tip = format!("{} to {}: run {}, baseline {}", milliseconds(bucket.from_ms), milliseconds(bucket.to_ms), percent(*run), percent(*baseline));
        let x = LEFT + width * place as f64;
        write!(
            out,
            r#"<rect class="hover" x="{x:.1}" y="{TOP}" width="{width:.2}" height="{:.1}"><title>{}</title></rect>"#,
            HEIGHT - TOP - BOTTOM,
            Escaped(&tip)
        )?;
    }
    out.write_str("</svg>")
}

/// Two bars, one over the other; the numbers stand beside them in text.
pub(super) fn bars(out: &mut String, run: f64, baseline: f64, longest: f64) -> fmt::Result {
    let width = |value: f64| if longest > 0.0 { (100.0 * value / longest).max(0.4) } else { 0.0 };
    write!(
        out,
        r#"<svg viewBox="0 0 100 18" preserveAspectRatio="none" aria-hidden="true"><rect class="run-bar" x="0" y="1" width="{:.2}" height="8"/><rect class="baseline-bar" x="0" y="11" width="{:.2}" height="5"/></svg>"#,
        width(run),
        width(baseline)
    )
}

/// Numbered lines where something happened in the run.
fn marks(out: &mut String, events: &[Event], frame: &Frame) -> fmt::Result {
    for (number, event) in events.iter().enumerate() {
        let x = frame.x(event.at_ms);
        write!(out, r#"<line class="mark" x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{:.1}"/>"#, HEIGHT - BOTTOM)?;
        write!(out, r#"<text class="mark-text" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#, TOP - 4.0, number + 1)?;
    }
    Ok(())
}

fn open(out: &mut String, id: &str, title: &str, description: &str) -> fmt::Result {
    write!(
        out,
        r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{}</title><desc id="{id}-d">{}</desc>"#,
        Escaped(title),
        Escaped(description)
    )
}

/// 1, 2 or 5 times a power of ten, at least `value`.
fn round_step(value: f64) -> f64 {
    let scale = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * scale).find(|step| *step >= value * 0.999).unwrap_or(10.0 * scale)
}

/// A time along an axis.
pub(super) fn short_time(ms: f64) -> String {
    if ms >= 1000.0 || ms == 0.0 {
        let seconds = (ms / 100.0).round() / 10.0;
        format!("{seconds} s")
    } else {
        milliseconds(ms)
    }
}

/// A rate along an axis.
pub(super) fn per_second(value: f64) -> String {
    rate(value)
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 10.0 || percent == 0.0 { format!("{percent:.0} %") } else { format!("{percent:.1} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (value, expected) in [(0.9, 1.0), (1.0, 1.0), (1.1, 2.0), (3.0, 5.0), (7.0, 10.0), (0.03, 0.05), (230.0, 500.0)] {
            assert!((round_step(value) - expected).abs() < 1e-9, "{value}: {}", round_step(value));
        }
    }
}
