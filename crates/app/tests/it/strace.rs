//! `strace` on a running server: some of its calls fail, or take long.

use std::process::{Child, Command, Stdio};

use crate::process::Lines;

/// What it does to a process lasts until it is dropped.
pub struct Strace(Child);

impl Strace {
    /// On all threads of a process, with what these arguments ask for.
    pub fn on(pid: u32, arguments: &[&str]) -> Self {
        let mut child = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-p", &pid.to_string()])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (said, _) = Lines::of(child.stderr.take().unwrap());
        said.wait_for("attached").expect("strace attaches");
        Self(child)
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        // It lets go of the process, and of the calls that it holds back.
        let pid = self.0.id().to_string();
        let _ = Command::new("kill").args(["-INT", &pid]).status();
        let _ = self.0.wait();
    }
}
