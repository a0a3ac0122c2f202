//! The seeds that found something: they are run again with every check.

const TEXT: &str = include_str!("../seeds.txt");

/// Each seed of `seeds.txt` with the number of steps that it needs.
pub fn found_something() -> impl Iterator<Item = (u64, u32)> {
    TEXT.lines().filter_map(|line| {
        let line = line.split('#').next()?;
        let mut words = line.split_whitespace();
        Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    })
}
