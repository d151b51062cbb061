//! How the log is written, for a process of its own.

use std::io::{IsTerminal, Stderr, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::debug_fn;

use crate::config::LogFormat;
use crate::terminal::escaped;

/// From now on what is logged goes to standard error. `RUST_LOG` says what that is.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Where the log cannot be written, saying so there would panic, and end requests.
        .log_internal_errors(false);
    match format {
        LogFormat::Json => {
            let json = log.json().flatten_event(true).with_span_list(false);
            json.with_writer(|| Escaped(std::io::stderr())).init();
        }
        LogFormat::Text => {
            // Clients choose the text of many fields; none of it steers a terminal or begins a line.
            let fields = debug_fn(|out, field, value| match (field.name(), format!("{value:?}")) {
                ("message", text) => write!(out, "{}", escaped(&text)),
                (name, text) => write!(out, "{name}={}", escaped(&text)),
            });
            let colours = std::io::stderr().is_terminal();
            log.fmt_fields(fields.delimited(" ")).with_ansi(colours).init();
        }
    }
}

/// Lines of JSON, of which the same is true. They come whole.
struct Escaped(Stderr);

impl Write for Escaped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let lines = text
            .split_inclusive('\n')
            .map(|line| match line.strip_suffix('\n') {
                Some(line) => format!("{}\n", escaped(line)),
                None => escaped(line).into_owned(),
            });
        self.0.write_all(lines.collect::<String>().as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
