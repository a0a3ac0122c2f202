//! What a server costs to which nothing happens.

use std::time::Instant;

use crate::arguments::Settings;
use crate::figures::figure;
use crate::measure::{self, Measured};
use crate::server::Server;
use crate::{Outcome, procfs};

/// One repetition: a fresh server is left alone for as long as a measurement at full speed lasts.
pub async fn run(settings: &Settings) -> Outcome<Measured> {
    let mut measured = Measured::default();
    let mut server = Server::start(&settings.program, &settings.work_dir).await?;
    let cpu_before = procfs::cpu(server.pid())?;
    let start = Instant::now();
    tokio::time::sleep(settings.duration).await;
    server.check()?;
    let cpu = procfs::cpu(server.pid())?.saturating_sub(cpu_before);
    let numbers = &mut measured.numbers;
    numbers.set(figure::RSS_PEAK_MIB, measure::rss_peak_mib(&server)?);
    let core_share = cpu.as_secs_f64() / start.elapsed().as_secs_f64();
    numbers.set(figure::IDLE_CORE_PERCENT, core_share * 100.0);
    Ok(measured)
}
