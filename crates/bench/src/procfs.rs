//! What the kernel's books say about a process: its CPU time and its peak memory.

use std::fs;
use std::time::Duration;

use crate::Outcome;

/// Length of one tick of `/proc/<pid>/stat`. The kernel shows user space a hundred ticks a second on every
/// architecture that Rust's standard library supports on Linux, whatever its own timer does.
const TICK: Duration = Duration::from_millis(10);

/// User and system time of all threads of the process, ended ones included; to 10 ms.
pub fn cpu(pid: u32) -> Outcome<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let ticks = ticks(&text).ok_or_else(|| format!("{path} is not understood: {text}"))?;
    Ok(TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX)))
}

/// Time that all cores spent on anything, whoever it was for; what the host took away is in it too.
pub fn machine_cpu() -> Outcome<Duration> {
    let path = "/proc/stat";
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let ticks = busy_ticks(&text).ok_or_else(|| format!("{path} is not understood"))?;
    Ok(TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX)))
}

/// The most memory the process ever had resident, in KiB.
pub fn resident_peak_kib(pid: u32) -> Outcome<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    peak_kib(&text).ok_or_else(|| format!("{path} has no VmHWM"))
}

/// Fields 14 and 15. The name of the program, field 2, is in parentheses and may hold blanks and
/// parentheses itself.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// The first line: user, nice, system, idle, waiting for disks, two kinds of interrupts, stolen. All but
/// the fourth and the fifth count.
fn busy_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Result<Vec<u64>, _> = line.split_ascii_whitespace().map(str::parse).collect();
    match fields.ok()?.as_slice() {
        [user, nice, system, _, _, hard, soft, stolen, ..] => {
            Some(user + nice + system + hard + soft + stolen)
        }
        _ => None,
    }
}

fn peak_kib(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_user_and_system_whatever_the_program_is_called() {
        let stat =
            "4242 (odd ) name) S 1 4242 4242 0 -1 4194560 900 0 2 0 1234 766 5 6 20 0 3 0 99";
        assert_eq!(ticks(stat), Some(2000));
        assert_eq!(ticks("4242 (cut off) S 1"), None);
    }

    #[test]
    fn the_machine_is_busy_when_it_neither_idles_nor_waits() {
        let stat = "cpu  100 20 30 9999 8888 4 5 6 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(busy_ticks(stat), Some(165));
        assert_eq!(busy_ticks("intr 1 2 3"), None);
        assert!(machine_cpu().is_ok());
    }

    #[test]
    fn peak_memory_is_the_high_water_mark() {
        let status =
            "Name:\theraldo\nVmPeak:\t  999999 kB\nVmHWM:\t   30720 kB\nVmRSS:\t 20000 kB\n";
        assert_eq!(peak_kib(status), Some(30_720));
        assert_eq!(peak_kib("Name:\tkthreadd\n"), None);
    }

    #[test]
    fn this_process_is_on_the_books() {
        let pid = std::process::id();
        assert!(cpu(pid).is_ok());
        assert!(resident_peak_kib(pid).expect("it runs") > 0);
    }
}
