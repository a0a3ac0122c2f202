//! Verifies the v1a signature of a webhook, with `heraldo-wire`.
//!
//! `AUTOINSPECTOR_WEBHOOK_PUBLIC_KEY=whpk_… verify-v1a ID TIMESTAMP SIGNATURE < body.json`

#![allow(
    clippy::disallowed_methods,
    reason = "an example stands alone: it reads its own environment and its own clock"
)]

use std::error::Error;
use std::io::Read as _;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use heraldo_wire::signature::{Envelope, PublicKey, verify_asymmetric};
use heraldo_wire::time::Timestamp;

const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The part to copy: one of the v1a signatures must be that of this id, time and body. `raw_body`: the exact bytes
/// that came. `public_keys`: those of the webhook, with blanks between them.
fn verify_v1a(
    id: &str,
    timestamp: &str,
    signature: &str,
    raw_body: &[u8],
    public_keys: &str,
) -> Result<(), Box<dyn Error>> {
    let keys: Vec<PublicKey> = public_keys
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let envelope = Envelope {
        id,
        timestamp,
        body: raw_body,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let now = Timestamp::from_millis(i64::try_from(now)?);
    Ok(verify_asymmetric(
        &keys, &envelope, signature, TOLERANCE, now,
    )?)
}

fn run() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [id, timestamp, signature] = &given[..] else {
        return Err("give the id, the timestamp and the signature".into());
    };
    let keys = std::env::var("AUTOINSPECTOR_WEBHOOK_PUBLIC_KEY")?;
    let mut body = Vec::new();
    std::io::stdin().read_to_end(&mut body)?;
    verify_v1a(id, timestamp, signature, &body, &keys)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => {
            println!("verified");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("refused: {error}");
            ExitCode::FAILURE
        }
    }
}
