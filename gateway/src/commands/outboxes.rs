//! `outboxes`: which devices there are, how far each is, and how it is.

use realm_ingest_protocol::DeviceReport;
use serde_json::{Value, json};

use super::output::{Output, go_on, time};
use super::{CommandError, DataArgs};

/// Show every outbox that has sent something, one a line, with what its device said of itself
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  realm-ingest-gateway outboxes | jq 'select(.device.transactions > 1000)'\n\n\
                  'position' is up to where everything is settled, 'heard' when the outbox last sent. In 'device', what \
                  waits is\n'transactions', 'objects' and 'bytes', and 'oldest_age' is for how many milliseconds."
)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
}

/// Runs the command.
///
/// # Errors
/// When the data cannot be read.
pub fn run(args: &Args) -> Result<(), CommandError> {
    let data = args.data.open()?;
    let sink = data.sink()?;
    let mut output = Output::new(false);
    let mut shown = Ok(());
    sink.each_outbox(&mut |one| {
        let line = json!({
            "app": one.app,
            "user": one.user,
            "outbox": one.outbox,
            "position": one.position,
            "heard": one.heard.map(time),
            "schema": one.schema,
            "setbacks": one.setbacks,
            "device": one.device.as_deref().map_or(Value::Null, device),
        });
        shown = output.line(&line.to_string());
        go_on(&shown)
    })?;
    shown?;
    output.finish()
}

fn device(report: &str) -> Value {
    let Ok(report) = serde_json::from_str::<DeviceReport>(report) else {
        return Value::Null;
    };
    json!({
        "clock": time(report.clock),
        "transactions": report.transactions,
        "objects": report.objects,
        "bytes": report.bytes,
        "oldest_age": report.oldest_age,
        "version": report.version,
        "platform": report.platform,
    })
}
