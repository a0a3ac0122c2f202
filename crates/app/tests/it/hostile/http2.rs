//! Receivers that agree on HTTP/2 and then break its rules, frame by frame.

use std::io::{Read, Write};
use std::net::SocketAddr;

use super::{CUT, CUT_LATER, Expected, Io, NO_ANSWER, NO_END, NOT_HTTP, flood, hold};
use crate::tls::{Authority, Stream, listening_tls};

/// One frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

pub fn set(own: &Authority) -> Vec<(&'static str, SocketAddr, Expected)> {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    const PUSH_PROMISE: u8 = 5;
    const PING: u8 = 6;
    const GOAWAY: u8 = 7;
    const CONTINUATION: u8 = 9;
    const END_HEADERS: u8 = 4;
    // `:status: 200` in the static table.
    const STATUS_200: &[u8] = &[0x88];
    let config = own.server(&["h2"], |_| {}, None);
    // Sends its settings, and misbehaves on the stream of every request.
    let script = |settings: &'static [u8], then: fn(&mut Stream, u32) -> Io| {
        listening_tls(config.clone(), move |mut stream| {
            stream.read_exact(&mut [0; 24])?;
            stream.write_all(&frame(SETTINGS, 0, 0, settings))?;
            stream.flush()?;
            loop {
                let mut head = [0; 9];
                stream.read_exact(&mut head)?;
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
                stream.read_exact(&mut vec![0; length as usize])?;
                if head[3] == HEADERS {
                    let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
                    then(&mut stream, id)?;
                    stream.flush()?;
                }
            }
        })
    };
    vec![
        (
            "HTTP/2 that never says a word",
            listening_tls(config.clone(), |mut stream| hold(&mut stream)),
            NO_ANSWER,
        ),
        (
            "HTTP/1 where HTTP/2 was agreed on",
            script(&[], |s, _| {
                s.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            }),
            NOT_HTTP,
        ),
        (
            "HTTP/2 without an answer",
            script(&[], |_, _| Ok(())),
            NO_ANSWER,
        ),
        (
            "a window of nothing",
            script(&[0, 4, 0, 0, 0, 0], |_, _| Ok(())),
            NO_ANSWER,
        ),
        (
            "going away at once",
            script(&[], |s, _| s.write_all(&frame(GOAWAY, 0, 0, &[0; 8]))),
            CUT,
        ),
        (
            "refusing every stream",
            script(&[], |s, id| {
                s.write_all(&frame(RST_STREAM, 0, id, &[0, 0, 0, 7]))
            }),
            CUT,
        ),
        (
            "resetting every stream",
            script(&[], |s, id| {
                s.write_all(&frame(RST_STREAM, 0, id, &[0, 0, 0, 2]))
            }),
            CUT,
        ),
        (
            "resetting after the head",
            script(&[], |s, id| {
                s.write_all(&frame(HEADERS, END_HEADERS, id, STATUS_200))?;
                s.write_all(&frame(RST_STREAM, 0, id, &[0, 0, 0, 2]))
            }),
            CUT_LATER,
        ),
        (
            "a head alone",
            script(&[], |s, id| {
                s.write_all(&frame(HEADERS, END_HEADERS, id, STATUS_200))
            }),
            NO_END,
        ),
        (
            "headers without end",
            script(&[], |s, id| {
                s.write_all(&frame(HEADERS, 0, id, STATUS_200))?;
                // A literal header, never indexed, again and again.
                let header = [&[0x10, 1, b'x', 0x7f, 0x81, 0x1f][..], &[b'a'; 4096]].concat();
                flood(s, &frame(CONTINUATION, 0, id, &header))
            }),
            NOT_HTTP,
        ),
        (
            "data of nobody",
            script(&[], |s, _| s.write_all(&frame(DATA, 0, 0, b"x"))),
            NOT_HTTP,
        ),
        (
            "a promise that was not asked for",
            script(&[], |s, id| {
                let promise = [&2_u32.to_be_bytes()[..], STATUS_200].concat();
                s.write_all(&frame(PUSH_PROMISE, END_HEADERS, id, &promise))
            }),
            NOT_HTTP,
        ),
        (
            "pings without end",
            script(&[], |s, _| flood(s, &frame(PING, 0, 0, &[0; 8]))),
            NO_ANSWER,
        ),
        (
            "settings without end",
            script(&[], |s, _| flood(s, &frame(SETTINGS, 0, 0, &[]))),
            NO_ANSWER,
        ),
    ]
}
