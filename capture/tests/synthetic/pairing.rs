//! Which response answers which request, when some of either were lost.

use reenact_formats::model::Exchange;

use crate::support::{ACK, Connection, Segment, read_segments};

/// A connection on which each message is one segment. `asked` are the methods of each flight: `G` is a `GET`, `H` a `HEAD`; all
/// of a flight are sent before the first answer to it comes.
fn flights(asked: &[&str]) -> Vec<Segment> {
    let mut connection = Connection::new(4000, [1000, 9000], 5000);
    connection.handshake();
    let mut number = 0;
    for flight in asked {
        let numbered: Vec<(usize, char)> = (number..).zip(flight.chars()).collect();
        number += numbered.len();
        for (number, method) in &numbered {
            let method = if *method == 'H' { "HEAD" } else { "GET" };
            connection.push(true, ACK, format!("{method} /{number} HTTP/1.1\r\n\r\n").as_bytes());
        }
        connection.push(false, ACK, &[]);
        for (number, method) in &numbered {
            let body = if *method == 'H' { String::new() } else { "x".repeat(900) };
            connection.push(false, ACK, format!("HTTP/1.1 200 OK\r\nX-Number: {number}\r\nContent-Length: 900\r\n\r\n{body}").as_bytes());
            connection.push(true, ACK, &[]);
        }
    }
    connection.close();
    connection.segments
}

/// `3=3` is a pair, `3=` a request alone, `=3` a response alone; a `!` marks what is not whole.
fn tell(exchange: &Exchange) -> String {
    let number = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_start_matches('/').to_owned();
    let asked = exchange.target().map(number).unwrap_or_default();
    let answered = exchange.response.as_ref().and_then(|response| response.head.header("x-number")).map(number).unwrap_or_default();
    let whole = [&exchange.request, &exchange.response].into_iter().flatten().all(|message| message.body.completeness.was_seen_whole());
    format!("{asked}={answered}{}", if whole { "" } else { "!" })
}

#[test]
fn what_acknowledgments_prove_is_paired_and_nothing_else() {
    for (asked, lost_requests, lost_responses, expected) in [
        // One at a time.
        (&["G", "G", "G"][..], &[][..], &[][..], "0=0 1=1 2=2"),
        (&["G", "G", "G"], &[1], &[], "0=0 =1 2=2"),
        (&["G", "G", "G"], &[], &[1], "0=0 1= 2=2"),
        (&["G", "G", "G", "G"], &[1], &[1], "0=0 2=2 3=3"),
        // Another request may have been lost that was sent together with the last.
        (&["G", "G", "G"], &[1], &[1], "0=0 =2 2="),
        (&["G", "G", "G", "G"], &[1], &[2], "0=0 =1 2= 3=3"),
        (&["G", "H", "G", "G"], &[1], &[], "0=0 =1 2=2 3=3"),
        (&["G", "H", "H", "G", "G"], &[1, 2], &[], "0=0 =1 =2 3=3 4=4"),
        // Behind a lost HEAD, no one knows whether the hole was its body.
        (&["G", "H", "G", "G"], &[1], &[2], "0=0 =1! 2= 3=3"),
        // In flights: what follows tells that all of a flight was answered.
        (&["GGG", "G"], &[0], &[], "=0 1=1 2=2 3=3"),
        (&["GGG", "G"], &[1], &[], "0=0 =1 2=2 3=3"),
        (&["GGG", "G"], &[2], &[], "0=0 1=1 =2 3=3"),
        (&["GGG", "G"], &[], &[0], "0= 1=1 2=2 3=3"),
        (&["GGG", "G"], &[], &[1], "0=0 1= 2=2 3=3"),
        (&["GGG", "G"], &[], &[2], "0=0 1=1 2= 3=3"),
        (&["GGG", "G"], &[0], &[0], "1=1 2=2 3=3"),
        (&["GGG", "G"], &[1], &[1], "0=0 2=2 3=3"),
        (&["G", "GHG", "G"], &[1], &[], "0=0 =1 2=2 3=3 4=4"),
        (&["G", "GHG", "G"], &[2], &[], "0=0 1=1 =2 3=3 4=4"),
        (&["G", "GGGG", "G"], &[1], &[4], "0=0 2= 3= 4= =1 =2 =3 5=5"),
    ] {
        let mut segments = flights(asked);
        let mut counts = [0, 0];
        segments.retain(|segment| {
            if segment.payload.is_empty() {
                return true;
            }
            let side = usize::from(!segment.from_client);
            counts[side] += 1;
            ![lost_requests, lost_responses][side].contains(&(counts[side] - 1))
        });
        let captured = read_segments(&segments);
        let told: Vec<String> = captured.exchanges.iter().map(tell).collect();
        assert_eq!(told.join(" "), expected, "{asked:?} without requests {lost_requests:?} and responses {lost_responses:?}");
    }
}

/// A client that always keeps two requests under way has no moment at which all was answered: nothing behind a hole is guessed.
#[test]
fn a_client_that_never_waits_for_all_answers_is_not_misread() {
    let mut connection = Connection::new(4000, [1000, 9000], 5000);
    connection.handshake();
    let ask = |number: usize| format!("GET /{number} HTTP/1.1\r\n\r\n");
    connection.push(true, ACK, ask(0).as_bytes());
    for number in 0..8 {
        connection.push(true, ACK, ask(number + 1).as_bytes());
        connection.push(false, ACK, format!("HTTP/1.1 200 OK\r\nX-Number: {number}\r\nContent-Length: 0\r\n\r\n").as_bytes());
    }
    connection.close();
    let mut paired = 0;
    for lost in 3..connection.segments.len() {
        let mut segments = connection.segments.clone();
        segments.remove(lost);
        let captured = read_segments(&segments);
        for told in captured.exchanges.iter().map(tell) {
            let (asked, answered) = told.split_once('=').expect("one");
            assert!(asked.is_empty() || answered.is_empty() || asked == answered, "without segment {lost}: {told}");
            paired += usize::from(asked == answered);
        }
    }
    // What came before the hole is known: half of the eight, on the average over all holes.
    assert!(paired >= 4 * (connection.segments.len() - 3) / 2, "only {paired} were paired");
}
