//! The binary `heraldo`: configuration, wiring, the real clock and dice, and the commands.

fn main() {}
