//! How a new report compares with an old one.

use std::fmt::Write as _;

use crate::report::{Report, shown};

/// One line for each figure that both have: the new median over the old one.
pub fn table(new: &Report, old: &Report) -> String {
    let mut table = format!("\nnow over {}:\n", old.date);
    for (name, figures) in &new.scenarios {
        let Some(before) = old.scenarios.get(name) else {
            continue;
        };
        for (figure, now) in &figures.0 {
            let Some(then) = before.0.get(figure) else {
                continue;
            };
            let ratio = if then.median == 0.0 {
                "-".to_owned()
            } else {
                format!("{:.3}", now.median / then.median)
            };
            let medians = format!("{} from {}", shown(now.median), shown(then.median));
            // Writing to a String never fails.
            let _ = writeln!(table, "  {name:<16}{figure:<32}{ratio:>8}   ({medians})");
        }
    }
    if new.sizes != old.sizes {
        table.push_str("  not as much was stored, waiting or made: such figures do not compare\n");
    }
    if !new.machine.is_like(&old.machine) {
        table.push_str("  these are two machines: the ratios say little\n");
    }
    let (now, then) = (new.machine.sync_8_kib_us, old.machine.sync_8_kib_us);
    // Writing to a String never fails.
    let _ = writeln!(
        table,
        "  8 KiB were synced in {} µs, then in {} µs",
        shown(now),
        shown(then)
    );
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn medians_are_compared_where_both_have_them() {
        let old = report("W1", "delivered_per_s", vec![10_000.0]);
        let table_of = |new: &Report| table(new, &old);
        let faster = table_of(&report("W1", "delivered_per_s", vec![15_000.0]));
        assert!(faster.contains("1.500   (15,000 from 10,000)"), "{faster}");
        assert!(!table_of(&report("W1", "lost", vec![0.0])).contains("lost"));
        assert!(!table_of(&report("W2", "delivered_per_s", vec![1.0])).contains("W2"));
    }

    #[test]
    fn another_machine_is_pointed_out() {
        let here = report("W1", "lost", vec![0.0]);
        let mut there = here.clone();
        assert!(!table(&here, &there).contains("two machines"));
        there.machine.cores += 1;
        assert!(table(&here, &there).contains("two machines"));
    }

    #[test]
    fn other_sizes_are_pointed_out() {
        let here = report("W1", "lost", vec![0.0]);
        let mut smaller = here.clone();
        assert!(!table(&here, &smaller).contains("not as much"));
        smaller.sizes.stored -= 1;
        assert!(table(&here, &smaller).contains("not as much"));
    }

    #[test]
    fn nothing_is_divided_by_zero() {
        let nothing = report("W1", "lost", vec![0.0]);
        assert!(table(&nothing, &nothing).contains("-   (0 from 0)"));
    }
}
