//! What the figures were measured on.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::Outcome;
use crate::statistics::median;

/// How many writes are timed.
const SYNCS: usize = 200;
const SYNC_BYTES: usize = 8 * 1024;

/// The facts that decide most.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_mib: u64,
    pub kernel: String,
    /// Median time to write 8 KiB and sync them to the disk that holds the server's data.
    pub sync_8_kib_us: f64,
}

impl Machine {
    /// Whether the other has the same parts; how fast its disk was at the time does not matter.
    pub fn is_like(&self, other: &Self) -> bool {
        let parts = |of: &Self| {
            (
                of.processor.clone(),
                of.cores,
                of.memory_mib,
                of.kernel.clone(),
            )
        };
        parts(self) == parts(other)
    }

    /// Looks at this machine, and at the disk that `folder` is on.
    pub fn look(folder: &Path) -> Outcome<Self> {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Ok(Self {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: field(&read("/proc/meminfo"), "MemTotal")
                .and_then(|text| text.trim_end_matches("kB").trim().parse::<u64>().ok())
                .map_or(0, |kib| kib / 1024),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            sync_8_kib_us: sync_us(folder)
                .map_err(|error| format!("{}: {error}", folder.display()))?,
        })
    }
}

fn field(text: &str, name: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}

fn sync_us(folder: &Path) -> std::io::Result<f64> {
    let mut file: File = tempfile::tempfile_in(folder)?;
    let page = [1_u8; SYNC_BYTES];
    let mut took_us = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let start = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        took_us.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(&took_us).unwrap_or_default().round())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_by_name() {
        let text = "processor\t: 0\nmodel name\t: Some Processor: fast\nMemTotal:  2048 kB\n";
        assert_eq!(
            field(text, "model name").as_deref(),
            Some("Some Processor: fast")
        );
        assert_eq!(field(text, "MemTotal").as_deref(), Some("2048 kB"));
        assert_eq!(field(text, "model"), None);
    }
}
