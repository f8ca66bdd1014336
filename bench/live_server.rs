//! The service that `bench/live` asks: answers every request with a small JSON document, and logs it.
//!
//!     live_server ADDRESS LOG
//!
//! In: requests without bodies, on connections that stay open. Out: an answer to each; once stdin ends, a line for each request that was
//! answered, the microsecond since 1970 and its target, in LOG. The standard library only: it is built by itself.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

type Log = Arc<Mutex<Vec<u8>>>;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let [_, address, path] = arguments.as_slice() else { return Err(io::Error::other("usage: live_server ADDRESS LOG")) };
    let listener = TcpListener::bind(address)?;
    let log = Log::default();
    let shared = Arc::clone(&log);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let log = Arc::clone(&shared);
            // Clients that go away are everyday.
            thread::spawn(move || drop(serve(stream, &log)));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    let log = log.lock().unwrap_or_else(PoisonError::into_inner);
    fs::write(path, &*log)
}

fn serve(mut stream: TcpStream, log: &Log) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let body = format!(r#"{{"status":"paid","lines":[{}]}}"#, vec![r#"{"article":"blue kettle","quantity":2,"price":"39.90"}"#; 18].join(","));
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut buffer = vec![0; 16 << 10];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        while let Some(end) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n") {
            let target = buffer[..end].split(|byte| *byte == b' ').nth(1).unwrap_or_default();
            let mut lines = log.lock().unwrap_or_else(PoisonError::into_inner);
            #[expect(clippy::disallowed_methods, reason = "a log tells the time of people")]
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            write!(lines, "{} ", now.as_micros())?;
            lines.extend_from_slice(target);
            lines.push(b'\n');
            drop(lines);
            stream.write_all(answer.as_bytes())?;
            buffer.copy_within(end + 4..filled, 0);
            filled -= end + 4;
        }
    }
}
