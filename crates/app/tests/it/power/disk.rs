//! A disk that keeps what it must and, after a power loss, whatever it likes of the rest.
//!
//! What was written to a file is certain once a sync of that file that began afterwards has ended; names
//! are certain once their folder was synced likewise. Everything else may be there, in part, or not at all.
//! After a sync that failed the system takes what it could not write for written: no later sync covers it.

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::record::{Act, Edge, Record};

/// Of the writes that a failed sync covers one in so many reached the disk.
const KEPT_ONE_IN: usize = 3;
/// A disk writes at least this much whole.
const SECTOR_BYTES: usize = 512;

/// What a power loss leaves of what was not synced.
#[derive(Debug, Clone, Copy)]
pub enum Mercy {
    Nothing,
    Everything,
    /// Each write or name by chance.
    Some,
    /// Each sector or name by chance.
    Torn,
}

#[derive(Debug, Default)]
pub struct Disk {
    files: Vec<File>,
    /// As the process sees the folder.
    names: HashMap<PathBuf, usize>,
    certain: HashMap<PathBuf, usize>,
    /// Changes of names that no sync has covered, in order.
    renames: Vec<(Span, Name)>,
    /// What the sync that runs now will cover: known when it begins.
    syncs: HashMap<usize, Covered>,
    folder: PathBuf,
}

#[derive(Debug, Default)]
struct File {
    certain: Vec<u8>,
    pending: Vec<(Span, Change)>,
    len: usize,
}

/// When a call began, by its number, and whether it has ended.
#[derive(Debug, Clone, Copy)]
struct Span {
    call: usize,
    ended: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

#[derive(Debug, Clone)]
enum Name {
    Is(PathBuf, usize),
    Gone(PathBuf),
}

/// The calls that had ended when a sync began.
#[derive(Debug)]
enum Covered {
    File(usize, Vec<usize>),
    /// The sync will fail.
    InVain(usize, Vec<usize>),
    Names(Vec<usize>),
}

impl Disk {
    /// One whose `folder` exists and is empty.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            ..Self::default()
        }
    }

    /// Goes on by one edge of the record.
    pub fn apply(&mut self, record: &Record, edge: Edge) {
        match edge {
            Edge::Begin(call) => self.begin(call, &record.acts[call]),
            Edge::End(call) => self.end(call),
        }
    }

    fn begin(&mut self, call: usize, act: &Act) {
        let span = Span { call, ended: false };
        match act {
            Act::Open { path, new, empty } => {
                let known = self.names.get(path).copied();
                if let (None, true) = (known, new) {
                    self.files.push(File::default());
                    self.name(span, path.clone(), self.files.len() - 1);
                } else if let (Some(file), true) = (known, empty) {
                    self.change(file, span, Change::Truncate(0));
                }
            }
            Act::Write { path, at, bytes } => {
                // A file without a name any more: nobody will find it again.
                let Some(file) = self.names.get(path).copied() else {
                    return;
                };
                let at = at.unwrap_or(self.files[file].len);
                self.change(file, span, Change::Write(at, bytes.clone()));
            }
            Act::Truncate { path, len } => {
                if let Some(file) = self.names.get(path).copied() {
                    self.change(file, span, Change::Truncate(*len));
                }
            }
            Act::Link { from, to } => {
                let file = self.names[from];
                self.name(span, to.clone(), file);
            }
            Act::Rename { from, to } => {
                let file = self.names[from];
                self.name(span, to.clone(), file);
                self.forget(span, from.clone());
            }
            Act::Unlink { path } => self.forget(span, path.clone()),
            Act::Sync { path } => {
                let ended = |changes: &mut dyn Iterator<Item = Span>| {
                    changes
                        .filter(|span| span.ended)
                        .map(|span| span.call)
                        .collect()
                };
                let covered = match self.names.get(path) {
                    Some(file) => {
                        let mut pending = self.files[*file].pending.iter().map(|(span, _)| *span);
                        Covered::File(*file, ended(&mut pending))
                    }
                    // Another folder, or a file without a name: nothing that is kept here.
                    None if *path != self.folder => return,
                    None => {
                        let mut pending = self.renames.iter().map(|(span, _)| *span);
                        Covered::Names(ended(&mut pending))
                    }
                };
                self.syncs.insert(call, covered);
            }
            Act::FailedSync { path } => {
                let file = self.names[path];
                let pending = self.files[file].pending.iter().map(|(span, _)| span);
                let ended = pending.filter(|span| span.ended).map(|span| span.call);
                let covered = Covered::InVain(file, ended.collect());
                self.syncs.insert(call, covered);
            }
            Act::Answer(_) => {}
        }
    }

    fn end(&mut self, call: usize) {
        let all = self.files.iter_mut().flat_map(|file| &mut file.pending);
        let spans = all
            .map(|(span, _)| span)
            .chain(self.renames.iter_mut().map(|(span, _)| span));
        for span in spans.filter(|span| span.call == call) {
            span.ended = true;
        }
        match self.syncs.remove(&call) {
            None => {}
            Some(Covered::File(file, calls)) => {
                let file = &mut self.files[file];
                let pending = std::mem::take(&mut file.pending);
                for (span, change) in pending {
                    if calls.contains(&span.call) {
                        change.apply(&mut file.certain);
                    } else {
                        file.pending.push((span, change));
                    }
                }
            }
            Some(Covered::InVain(file, calls)) => {
                let file = &mut self.files[file];
                let pending = std::mem::take(&mut file.pending);
                for (span, change) in pending {
                    if !calls.contains(&span.call) {
                        file.pending.push((span, change));
                    } else if span.call.is_multiple_of(KEPT_ONE_IN) {
                        change.apply(&mut file.certain);
                    }
                }
            }
            Some(Covered::Names(calls)) => {
                for (span, name) in std::mem::take(&mut self.renames) {
                    if calls.contains(&span.call) {
                        name.apply(&mut self.certain);
                    } else {
                        self.renames.push((span, name));
                    }
                }
            }
        }
    }

    fn change(&mut self, file: usize, span: Span, change: Change) {
        let file = &mut self.files[file];
        file.len = match &change {
            Change::Write(at, bytes) => file.len.max(at + bytes.len()),
            Change::Truncate(len) => *len,
        };
        file.pending.push((span, change));
    }

    fn name(&mut self, span: Span, path: PathBuf, file: usize) {
        self.names.insert(path.clone(), file);
        self.renames.push((span, Name::Is(path, file)));
    }

    fn forget(&mut self, span: Span, path: PathBuf) {
        self.names.remove(&path);
        self.renames.push((span, Name::Gone(path)));
    }

    /// How many writes and names a power loss may take now.
    pub fn uncertain(&self) -> usize {
        let writes: usize = self.files.iter().map(|file| file.pending.len()).sum();
        writes + self.renames.len()
    }

    /// The files as a power loss at this moment leaves them; `draw` gives a number below its argument.
    pub fn after_power_loss(
        &self,
        mercy: Mercy,
        draw: &mut dyn FnMut(u64) -> u64,
    ) -> HashMap<PathBuf, Vec<u8>> {
        let mut names = self.certain.clone();
        for (_, name) in &self.renames {
            if mercy.keeps(draw) {
                name.apply(&mut names);
            }
        }
        let mut left = HashMap::new();
        for (path, file) in names {
            let file = &self.files[file];
            let mut content = file.certain.clone();
            for (_, change) in &file.pending {
                match (mercy, change) {
                    (Mercy::Torn, Change::Write(at, bytes)) => tear(*at, bytes, &mut content, draw),
                    _ if mercy.keeps(draw) => change.apply(&mut content),
                    _ => {}
                }
            }
            left.insert(path, content);
        }
        left
    }
}

impl Mercy {
    fn keeps(self, draw: &mut dyn FnMut(u64) -> u64) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Some | Self::Torn => draw(2) == 0,
        }
    }
}

/// Writes some of the sectors that a write touches.
fn tear(at: usize, bytes: &[u8], content: &mut Vec<u8>, draw: &mut dyn FnMut(u64) -> u64) {
    let mut done = 0;
    while done < bytes.len() {
        let here = at + done;
        let end = (done + SECTOR_BYTES - here % SECTOR_BYTES).min(bytes.len());
        if draw(2) == 0 {
            Change::Write(here, bytes[done..end].to_vec()).apply(content);
        }
        done = end;
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write(at, bytes) => {
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Self::Truncate(len) => content.resize(*len, 0),
        }
    }
}

impl Name {
    fn apply(&self, names: &mut HashMap<PathBuf, usize>) {
        match self {
            Self::Is(path, file) => {
                names.insert(path.clone(), *file);
            }
            Self::Gone(path) => {
                names.remove(path);
            }
        }
    }
}

/// Writes what is left into another folder, which is empty.
pub fn put_down(left: &HashMap<PathBuf, Vec<u8>>, from: &Path, to: &Path) {
    for (path, content) in left {
        let path = to.join(path.strip_prefix(from).unwrap());
        let mut file = std::fs::OpenOptions::new();
        let file = file.create_new(true).write(true).mode(0o600).open(path);
        file.unwrap().write_all(content).unwrap();
    }
}
