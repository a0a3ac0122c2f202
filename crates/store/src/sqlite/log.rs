//! Reads SQLite's log back, as its file format says (`https://sqlite.org/fileformat2.html#walformat`): each
//! frame holds a sum over everything before it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The lowest bit says in which order the bytes of the summed words stand.
const MAGIC: u32 = 0x377f_0682;

/// So many bytes are written again at once.
const CHUNK_BYTES: usize = 1 << 20;

/// What of a log is as it was written, from its beginning on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sound {
    pub frames: u64,
    /// Its header's among them.
    pub bytes: u64,
}

/// Reads the log up to the first frame that is not as it was written.
pub(super) fn sound_part(log: &File) -> io::Result<Sound> {
    let mut header = [0; HEADER_BYTES];
    if !filled(log, &mut header, 0)? {
        return Ok(Sound::default());
    }
    let magic = word(&header, 0);
    if magic & !1 != MAGIC {
        return Ok(Sound::default());
    }
    let mut sum = Sum {
        big_endian: magic & 1 == 1,
        sums: [0, 0],
    };
    sum.add(header.get(..24).unwrap_or_default());
    if !sum.stands_at(&header, 24) {
        return Ok(Sound::default());
    }
    let page_bytes = usize::try_from(word(&header, 8)).unwrap_or(0);
    let salt = header.get(16..24).unwrap_or_default();
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes];
    let mut sound = Sound {
        frames: 0,
        bytes: HEADER_BYTES as u64,
    };
    while filled(log, &mut frame, sound.bytes)? && frame.get(8..16) == Some(salt) {
        sum.add(frame.get(..8).unwrap_or_default());
        sum.add(frame.get(FRAME_HEADER_BYTES..).unwrap_or_default());
        if !sum.stands_at(&frame, 16) {
            break;
        }
        sound.frames += 1;
        sound.bytes += frame.len() as u64;
    }
    Ok(sound)
}

/// Writes the first bytes of the log again, as they are read: what the system gave up writing after a failed
/// sync is then to be written like anything new. Nobody may begin the log anew meanwhile.
pub(super) fn write_again(log: &File, bytes: u64) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut at = 0;
    while at < bytes {
        let left = usize::try_from(bytes - at).unwrap_or(CHUNK_BYTES);
        let part = chunk.get_mut(..left.min(CHUNK_BYTES)).unwrap_or_default();
        log.read_exact_at(part, at)?;
        log.write_all_at(part, at)?;
        at += part.len() as u64;
    }
    Ok(())
}

/// `false` when the file ends before.
fn filled(log: &File, bytes: &mut [u8], at: u64) -> io::Result<bool> {
    match log.read_exact_at(bytes, at) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// What stands big-endian at a place; 0 past the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
    word.map_or(0, |word| u32::from_be_bytes(*word))
}

struct Sum {
    big_endian: bool,
    sums: [u32; 2],
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        let [mut first, mut second] = self.sums;
        for pair in bytes.as_chunks::<8>().0 {
            let [a, b, c, d, e, f, g, h] = *pair;
            let (one, other) = if self.big_endian {
                (
                    u32::from_be_bytes([a, b, c, d]),
                    u32::from_be_bytes([e, f, g, h]),
                )
            } else {
                (
                    u32::from_le_bytes([a, b, c, d]),
                    u32::from_le_bytes([e, f, g, h]),
                )
            };
            first = first.wrapping_add(one).wrapping_add(second);
            second = second.wrapping_add(other).wrapping_add(first);
        }
        self.sums = [first, second];
    }

    fn stands_at(&self, bytes: &[u8], at: usize) -> bool {
        self.sums == [word(bytes, at), word(bytes, at + 4)]
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn the_frames_of_a_log_are_sound_up_to_the_first_that_was_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Connection::open(folder.path().join("db")).expect("a database");
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a)",
        )
        .expect("a log");
        let open = || {
            let path = folder.path().join("db-wal");
            File::options().read(true).write(true).open(path)
        };
        let log = open().expect("the log");
        for _ in 0..20 {
            db.execute("INSERT INTO t VALUES (randomblob(10000))", [])
                .expect("a row");
        }
        let logged = |kind: &str| -> u64 {
            let sql = format!("PRAGMA wal_checkpoint({kind})");
            db.query_row(&sql, [], |row| row.get::<_, i64>(1))
                .map_or(0, i64::unsigned_abs)
        };
        let frames = logged("NOOP");
        assert!(frames > 40, "{frames}");
        assert_eq!(sound_part(&log).expect("readable").frames, frames);

        // What is left of an older log behind a newer one does not count.
        logged("RESTART");
        db.execute("INSERT INTO t VALUES (1)", []).expect("a row");
        let fewer = logged("NOOP");
        assert!(fewer < 5, "{fewer}");
        assert_eq!(sound_part(&log).expect("readable").frames, fewer);
        db.execute("INSERT INTO t VALUES (randomblob(100000))", [])
            .expect("a row");

        let frames = logged("NOOP");
        let at = HEADER_BYTES as u64 + 7 * (4_096 + FRAME_HEADER_BYTES as u64) + 1_000;
        let mut byte = [0];
        log.read_exact_at(&mut byte, at).expect("readable");
        log.write_all_at(&[!byte[0]], at).expect("writable");
        assert_eq!(sound_part(&log).expect("readable").frames, 7);
        assert!(frames > 20, "{frames}");
        log.set_len(0).expect("writable");
        assert_eq!(sound_part(&log).expect("readable").frames, 0);
    }
    #[test]
    fn what_is_written_again_is_the_same_and_to_be_written_by_the_system() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let bytes: Vec<u8> = (0..2 * CHUNK_BYTES + 77)
            .map(|number| u8::try_from(number % 251).unwrap_or(0))
            .collect();
        std::fs::write(&path, &bytes).expect("writable");
        let log = File::options()
            .read(true)
            .write(true)
            .open(&path)
            .expect("the log");
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        for part in [0, 5, CHUNK_BYTES, 2 * CHUNK_BYTES + 76] {
            log.set_modified(long_ago).expect("a time");
            write_again(&log, part as u64).expect("writable");
            assert_eq!(std::fs::read(&path).expect("readable"), bytes);
            let modified = log.metadata().and_then(|about| about.modified());
            assert_eq!(modified.expect("a time") != long_ago, part > 0, "{part}");
        }
        let beyond = write_again(&log, bytes.len() as u64 + 1).expect_err("it ends before");
        assert_eq!(beyond.kind(), io::ErrorKind::UnexpectedEof);
    }
}
