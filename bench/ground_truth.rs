//! How much of synthetic captures is recovered, as a table: damage by damage, rate by rate. `bench/ground-truth` builds and runs it.

#[path = "../tests/truth/mod.rs"]
mod truth;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use truth::{Case, DAMAGES, RATES, SHAPES};

/// Compares recordings of synthetic captures with what is true of them
#[derive(Parser)]
struct Arguments {
    /// The binary that records them
    reenact: PathBuf,
    /// The size of each capture in MiB
    #[arg(long, default_value_t = 8.0)]
    size_mib: f64,
    /// The seeds of the captures; those of one kind are added up
    #[arg(long, value_delimiter = ',', default_value = "1,2,3")]
    seeds: Vec<u64>,
    /// One kind of capture only, as flags of bench/make_big_pcap.py
    #[arg(long, allow_hyphen_values = true)]
    damage: Option<String>,
    /// List each exchange that was missed, and each message that is wrong, up to so many for each kind
    #[arg(long, default_value_t = 3)]
    list: usize,
    /// Further flags of `reenact capture`
    #[arg(last = true)]
    capture: Vec<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let kinds: Vec<String> = match &arguments.damage {
        Some(damage) => vec![damage.clone()],
        None => {
            let damages = DAMAGES.iter().flat_map(|damage| RATES.map(|rate| damage.replace("RATE", rate)));
            SHAPES.iter().map(ToString::to_string).chain(damages).collect()
        }
    };
    println!(
        "{:>9} {:>9} {:>9} {:>8} {:>6} {:>6} {:>10} {:>7} {:>10}  damage",
        "exchanges", "intact", "recovered", "recall", "twice", "wrong", "incomplete", "mended", "in ledger"
    );
    let mut acceptable = true;
    for kind in kinds {
        acceptable &= measure(&kind, &arguments);
    }
    if acceptable { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints one line of the table; answers whether it is as it must be.
fn measure(kind: &str, arguments: &Arguments) -> bool {
    let case = Case { capture: arguments.capture.clone(), ..Case::new(kind, arguments.size_mib, &arguments.seeds) };
    let sum = case.run(&arguments.reenact);
    println!(
        "{:>9} {:>9} {:>9} {:>7.2}% {:>6} {:>6} {:>10} {:>7} {:>10}  {}",
        sum.exchanges,
        sum.intact,
        sum.recovered,
        sum.recall() * 100.0,
        sum.twice.len(),
        sum.wrong.len(),
        sum.incomplete,
        sum.mended,
        sum.in_ledger,
        case
    );
    let missed: Vec<String> = sum.missed.iter().map(|missed| format!("missed: {missed}")).collect();
    for (list, what) in [(&sum.faults(), "faults"), (&missed, "missed")] {
        list.iter().take(arguments.list).for_each(|line| println!("    {line}"));
        if list.len() > arguments.list {
            println!("    … {} {what} in all", list.len());
        }
    }
    sum.is_acceptable(&case)
}
