//! Reads SQLite's log back, as its file format says (`https://sqlite.org/fileformat2.html#walformat`): each
//! frame holds a sum over everything before it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The lowest bit says in which order the bytes of the summed words stand.
const MAGIC: u32 = 0x377f_0682;

/// How many frames from the first one on are as they were written.
pub(super) fn sound_frames(log: &File) -> io::Result<u64> {
    let mut header = [0; HEADER_BYTES];
    if !filled(log, &mut header, 0)? {
        return Ok(0);
    }
    let magic = word(&header, 0);
    if magic & !1 != MAGIC {
        return Ok(0);
    }
    let mut sum = Sum {
        big_endian: magic & 1 == 1,
        sums: [0, 0],
    };
    sum.add(header.get(..24).unwrap_or_default());
    if !sum.stands_at(&header, 24) {
        return Ok(0);
    }
    let page_bytes = usize::try_from(word(&header, 8)).unwrap_or(0);
    let salt = header.get(16..24).unwrap_or_default();
    let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes];
    let mut at = HEADER_BYTES as u64;
    let mut sound = 0;
    while filled(log, &mut frame, at)? && frame.get(8..16) == Some(salt) {
        sum.add(frame.get(..8).unwrap_or_default());
        sum.add(frame.get(FRAME_HEADER_BYTES..).unwrap_or_default());
        if !sum.stands_at(&frame, 16) {
            break;
        }
        sound += 1;
        at += frame.len() as u64;
    }
    Ok(sound)
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
        assert_eq!(sound_frames(&log).expect("readable"), frames);

        // What is left of an older log behind a newer one does not count.
        logged("RESTART");
        db.execute("INSERT INTO t VALUES (1)", []).expect("a row");
        let fewer = logged("NOOP");
        assert!(fewer < 5, "{fewer}");
        assert_eq!(sound_frames(&log).expect("readable"), fewer);
        db.execute("INSERT INTO t VALUES (randomblob(100000))", [])
            .expect("a row");

        let frames = logged("NOOP");
        let at = HEADER_BYTES as u64 + 7 * (4_096 + FRAME_HEADER_BYTES as u64) + 1_000;
        let mut byte = [0];
        log.read_exact_at(&mut byte, at).expect("readable");
        log.write_all_at(&[!byte[0]], at).expect("writable");
        assert_eq!(sound_frames(&log).expect("readable"), 7);
        assert!(frames > 20, "{frames}");
        log.set_len(0).expect("writable");
        assert_eq!(sound_frames(&log).expect("readable"), 0);
    }
}
