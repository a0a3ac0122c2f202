//! Reads what `strace` wrote: each call that changes files or answers a client, when it began and when it
//! ended, in one order over all threads.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What `strace` is asked for: everything that changes a file or a folder, and what goes to sockets.
pub const CALLS: &str = "open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,fsync,\
    fdatasync,sync_file_range,ftruncate,truncate,fallocate,copy_file_range,rename,renameat,renameat2,\
    unlink,unlinkat,link,linkat,mkdir,mkdirat";

/// What a call did.
#[derive(Debug, PartialEq, Eq)]
pub enum Act {
    /// Opened for writing; `new` when it may have made the file, `empty` when it cut it to nothing.
    Open {
        path: PathBuf,
        new: bool,
        empty: bool,
    },
    /// `at`: `None` goes on where the last one ended.
    Write {
        path: PathBuf,
        at: Option<usize>,
        bytes: Vec<u8>,
    },
    Truncate {
        path: PathBuf,
        len: usize,
    },
    /// Of a file or of a folder.
    Sync {
        path: PathBuf,
    },
    /// The disk did not keep what it was asked to.
    FailedSync {
        path: PathBuf,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Unlink {
        path: PathBuf,
    },
    /// Bytes to a client.
    Answer(Vec<u8>),
}

/// The begin or the end of a call, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    Begin(usize),
    End(usize),
}

/// One recorded run.
#[derive(Debug, Default)]
pub struct Record {
    pub acts: Vec<Act>,
    pub edges: Vec<Edge>,
}

impl Record {
    /// Reads the lines of one process's life and appends them to what came before. Only what concerns
    /// `folder` and sockets is kept.
    pub fn read(&mut self, text: &str, folder: &Path) {
        // Per thread: the begun call's text, and the place that its begin has among the edges.
        let mut begun: HashMap<&str, (String, usize)> = HashMap::new();
        let mut edges: Vec<Option<Edge>> = Vec::new();
        for line in text.lines() {
            let Some((thread, call)) = line.trim_start().split_once(' ') else {
                continue;
            };
            let call = call.trim_start();
            if let Some(start) = call.strip_suffix(" <unfinished ...>") {
                begun.insert(thread, (start.to_owned(), edges.len()));
                edges.push(None);
                continue;
            }
            let (whole, place) = if let Some(resumed) = call.strip_prefix("<... ") {
                let Some((start, place)) = begun.remove(thread) else {
                    continue;
                };
                let rest = resumed.split_once(" resumed>").map_or("", |(_, rest)| rest);
                (start + rest, place)
            } else {
                edges.push(None);
                (call.to_owned(), edges.len() - 1)
            };
            if let Some(act) = act_of(&whole, folder) {
                let number = self.acts.len();
                self.acts.push(act);
                edges[place] = Some(Edge::Begin(number));
                edges.push(Some(Edge::End(number)));
            }
        }
        // Killed in the middle of a call: it began, and may have done its work.
        for (start, place) in begun.into_values() {
            if let Some(act) = act_of(&format!("{start}) = ?"), folder) {
                edges[place] = Some(Edge::Begin(self.acts.len()));
                self.acts.push(act);
            }
        }
        self.edges.extend(edges.into_iter().flatten());
    }
}

/// What one call did; `None` when it failed in vain or is of no interest here.
fn act_of(call: &str, folder: &Path) -> Option<Act> {
    let (name, rest) = call.split_once('(')?;
    // The data are written in hex, so the last `) = ` is the call's own.
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let failed = result.starts_with('-');
    if failed && !matches!(name, "fsync" | "fdatasync") {
        return None;
    }
    let named: Vec<PathBuf> = strings(arguments)
        .into_iter()
        .map(|bytes| PathBuf::from(String::from_utf8_lossy(&bytes).into_owned()))
        .collect();
    let inside = |path: &PathBuf| {
        let name = path.to_string_lossy();
        // What is shared in memory is made anew after a loss of power; the parent keeps the folder's name.
        (path.starts_with(folder) && !name.ends_with("-shm"))
            || Some(path.as_path()) == folder.parent()
    };
    match name {
        "open" | "openat" | "creat" => {
            let path = named.last().filter(|path| inside(path))?.clone();
            let writes = ["O_WRONLY", "O_RDWR"]
                .iter()
                .any(|flag| arguments.contains(flag));
            writes.then(|| Act::Open {
                path,
                new: arguments.contains("O_CREAT"),
                empty: arguments.contains("O_TRUNC"),
            })
        }
        "write" | "writev" | "pwrite64" | "sendto" | "sendmsg" => {
            let target = target(arguments)?;
            let bytes = strings(arguments).concat();
            if target.starts_with("socket:") {
                return bytes
                    .starts_with(b"HTTP/1.1 ")
                    .then_some(Act::Answer(bytes));
            }
            let path = PathBuf::from(target);
            let at = (name == "pwrite64").then(|| number(arguments));
            inside(&path).then_some(Act::Write { path, at, bytes })
        }
        "fsync" | "fdatasync" => {
            let path = PathBuf::from(target(arguments)?);
            inside(&path).then_some(if failed {
                Act::FailedSync { path }
            } else {
                Act::Sync { path }
            })
        }
        "ftruncate" => {
            let path = PathBuf::from(target(arguments)?);
            let len = number(arguments);
            inside(&path).then_some(Act::Truncate { path, len })
        }
        "link" | "linkat" | "rename" | "renameat" | "renameat2" => {
            let [from, to] = named.as_slice() else {
                panic!("two names in {call}");
            };
            let (from, to) = (from.clone(), to.clone());
            inside(&to).then_some(if name.starts_with("link") {
                Act::Link { from, to }
            } else {
                Act::Rename { from, to }
            })
        }
        "unlink" | "unlinkat" => {
            let path = named.last()?.clone();
            inside(&path).then_some(Act::Unlink { path })
        }
        // No event lives in a folder made later: photos do, and there are none in this run.
        "mkdir" | "mkdirat" => None,
        _ => {
            let touches = target(arguments).is_some_and(|path| inside(&PathBuf::from(path)))
                || named.iter().any(inside);
            assert!(!touches, "the model knows nothing of {name}");
            None
        }
    }
}

/// What the first argument, a number of a file, stands for: `12<path>`.
fn target(arguments: &str) -> Option<String> {
    let (fd, rest) = arguments.split_once('<')?;
    if !fd.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (name, _) = rest.split_once('>')?;
    Some(String::from_utf8_lossy(&bytes_of(name)).into_owned())
}

/// The last argument, a number.
fn number(arguments: &str) -> usize {
    let last = arguments
        .trim_end()
        .trim_end_matches(')')
        .rsplit(", ")
        .next();
    last.and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no number at the end of a call"))
}

/// All that stands in quotes.
fn strings(arguments: &str) -> Vec<Vec<u8>> {
    arguments
        .split('"')
        .skip(1)
        .step_by(2)
        .map(bytes_of)
        .collect()
}

/// `\x41\x42` is `AB`; what is not in hex stands for itself.
fn bytes_of(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4);
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match tail {
            [b'x', high, low, tail @ ..] if *first == b'\\' => {
                bytes.push(digit(*high) << 4 | digit(*low));
                tail
            }
            tail => {
                bytes.push(*first);
                tail
            }
        };
    }
    bytes
}

fn digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => panic!("no hex digit"),
    }
}
