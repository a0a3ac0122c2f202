//! `heraldo serve`: runs until it is told to stop.

use std::process::ExitCode;

use heraldo_domain::ops::Context;
use heraldo_domain::ops::accounts::{NewCompany, Person, create_company};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::engine::{Engine, Running};
use crate::failure::{Failure, Outcome};
use crate::settings::{Settings, reachable};
use crate::terminal::say;
use crate::{links, logs, open_files, threads};

/// The first run's company, until somebody makes others.
const FIRST_COMPANY: &str = "My company";

pub fn run(settings: Settings) -> Outcome<ExitCode> {
    begin(&settings)?;
    runtime()?.block_on(async {
        let signals = Signals::listen()?;
        let running = Engine::open(settings).await?.start().await?;
        let url = running.context().links.public_url.clone();
        if let Some(new) = first_run(running.context()).await? {
            say("This is the first run. Keep what follows: it is shown once.");
            say(&format!("  company     {}", new.company_id));
            say(&format!("  API key     {}", new.api_key.reveal()));
            say(&format!("  dashboard   {}", links::dashboard(&url)));
            say(&format!(
                "  sign in     {} (works once, within 24 hours)",
                links::sign_in(&url, &new.sign_in_token)
            ));
        }
        say(&format!(
            "Heraldo listens on http://{}",
            reachable(running.address)
        ));
        until_stopped(signals, running).await;
        Ok(ExitCode::SUCCESS)
    })
}

/// What every server does first.
pub fn begin(settings: &Settings) -> Outcome {
    logs::start(settings)?;
    let open_files = open_files::raise_limit();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        data_dir = %settings.data_dir.display(),
        open_files,
        "starting"
    );
    Ok(())
}

pub fn runtime() -> Outcome<tokio::runtime::Runtime> {
    threads::start("requests", threads::cores())
}

/// Makes the first company when there is none.
pub async fn first_run(context: &Context) -> Outcome<Option<NewCompany>> {
    if context.store.has_companies().await? {
        return Ok(None);
    }
    Ok(Some(
        create_company(context, FIRST_COMPANY, Person::default()).await?,
    ))
}

/// The signals that stop a server.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// `None`: whoever started the process wants it to outlive its terminal.
    hangup: Option<Signal>,
}

impl Signals {
    /// From now on the signals do not end the process by themselves.
    pub fn listen() -> Outcome<Self> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::new(format!("signals cannot be taken: {error}")))
        };
        let hangup = (!is_ignored(SignalKind::hangup())).then(|| listen(SignalKind::hangup()));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: hangup.transpose()?,
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether the process was started with this signal ignored, as `nohup` does with SIGHUP. To listen for
/// it would take that back.
fn is_ignored(signal: SignalKind) -> bool {
    // Linux alone says so without unsafe code; elsewhere the signal is taken for one that is not ignored.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    ignored >> (signal.as_raw_value() - 1) & 1 == 1
}

/// Waits for a signal, then stops gracefully. A second signal ends the process at once: what was
/// accepted is on disk, and attempts that are cut off are made again.
pub async fn until_stopped(mut signals: Signals, running: Running) {
    signals.next().await;
    tracing::info!(
        "stopping: no new requests, waiting for those under way; signal again to end at once"
    );
    tokio::select! {
        () = running.stop() => {}
        () = signals.next() => {
            tracing::warn!("ended at once");
            std::process::exit(130);
        }
    }
}
