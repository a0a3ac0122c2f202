//! A receiver that does what a test tells it, and remembers what it got.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use serde_json::Value;

use crate::waiting::PATIENCE;

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .unwrap_or_else(|| panic!("no header {name}"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn event(&self) -> String {
        crate::client::text(&self.json()["event"])
    }

    pub fn inspection(&self) -> String {
        crate::client::text(&self.json()["payload"]["_id"])
    }
}

/// What the receiver does with a request.
#[derive(Debug, Clone)]
pub enum Reaction {
    Status(u16),
    /// The same with these words as its body.
    Says(u16, &'static str),
    /// Status 302 to another path of the same receiver.
    Redirect,
    /// Closes the connection without an answer.
    Reset,
    /// Never answers.
    Hang,
    /// Answers 200 after so long.
    Late(Duration),
    /// Answers 200 with a body without an end, as fast as it is read.
    Endless,
    /// Answers 200 with a body of which a byte comes now and then.
    Trickle,
    /// Answers with something that is not HTTP.
    Garbage,
}

type Decide = dyn Fn(&Received) -> Reaction + Send + Sync;

pub struct Receiver {
    pub address: SocketAddr,
    got: Arc<(Mutex<Vec<Received>>, Condvar)>,
    peers: Arc<(Mutex<Peers>, Condvar)>,
}

/// The connections of senders.
#[derive(Default)]
struct Peers {
    seen: HashSet<SocketAddr>,
    open: usize,
}

impl Receiver {
    /// One that takes everything.
    pub fn ok() -> Self {
        Self::new(|_| Reaction::Status(200))
    }

    pub fn new(decide: impl Fn(&Received) -> Reaction + Send + Sync + 'static) -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), decide)
    }

    /// One that listens on this address.
    pub fn at(
        address: SocketAddr,
        decide: impl Fn(&Received) -> Reaction + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let got = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let peers: Arc<(Mutex<Peers>, Condvar)> = Arc::default();
        let (decide, writing): (Arc<Decide>, _) = (Arc::new(decide), got.clone());
        let counting = peers.clone();
        std::thread::spawn(move || {
            while let Ok((stream, peer)) = listener.accept() {
                {
                    let mut peers = counting.0.lock().unwrap();
                    peers.seen.insert(peer);
                    peers.open += 1;
                }
                let (decide, writing, counting) =
                    (decide.clone(), writing.clone(), counting.clone());
                // Its threads end with the connections, or with the tests.
                std::thread::spawn(move || {
                    serve(stream, &decide, &writing);
                    counting.0.lock().unwrap().open -= 1;
                    counting.1.notify_all();
                });
            }
        });
        Self {
            address,
            got,
            peers,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/webhook", self.address)
    }

    pub fn all(&self) -> Vec<Received> {
        self.got.0.lock().unwrap().clone()
    }

    /// How much came so far.
    pub fn count(&self) -> usize {
        self.got.0.lock().unwrap().len()
    }

    /// Waits until what came is as wanted, and returns it.
    pub fn wait(&self, what: &str, wanted: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        let guard = self.got.0.lock().unwrap();
        let (guard, timeout) = self
            .got
            .1
            .wait_timeout_while(guard, PATIENCE, |got| !wanted(got))
            .unwrap();
        assert!(
            !timeout.timed_out(),
            "it did not come in time: {what}; {} came",
            guard.len()
        );
        guard.clone()
    }

    /// Waits until everything that a dead sender had sent is read, and its connections are over.
    pub fn wait_until_alone(&self) {
        // Connections are accepted in their order: when this one was, all before it were.
        let marker = TcpStream::connect(self.address)
            .unwrap()
            .local_addr()
            .unwrap();
        let guard = self.peers.0.lock().unwrap();
        let waits = |peers: &mut Peers| !peers.seen.contains(&marker) || peers.open > 0;
        let (guard, timeout) = self
            .peers
            .1
            .wait_timeout_while(guard, PATIENCE, waits)
            .unwrap();
        assert!(!timeout.timed_out(), "{} connections stay open", guard.open);
    }

    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        self.wait(&format!("{count} requests"), |got| got.len() >= count)
    }
}

fn serve(
    stream: TcpStream,
    decide: &Arc<Decide>,
    got: &Arc<(Mutex<Vec<Received>>, Condvar)>,
) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let received = read(&mut reader)?;
        let reaction = decide(&received);
        got.0.lock().unwrap().push(received);
        got.1.notify_all();
        react(&reaction, reader.get_mut())?;
    }
}

fn read(reader: &mut impl BufRead) -> Option<Received> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut received = Received {
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        received
            .headers
            .push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = received.header("content-length").parse().ok()?;
    received.body.resize(length, 0);
    reader.read_exact(&mut received.body).ok()?;
    Some(received)
}

/// `None`: the connection is over.
fn react(reaction: &Reaction, stream: &mut TcpStream) -> Option<()> {
    match reaction {
        Reaction::Status(status) => answer(stream, *status, ""),
        Reaction::Says(status, words) => {
            let bytes = words.len();
            let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {bytes}\r\n\r\n");
            stream.write_all(format!("{head}{words}").as_bytes()).ok()
        }
        Reaction::Redirect => answer(stream, 302, "location: /elsewhere\r\n"),
        Reaction::Reset => {
            stream.shutdown(Shutdown::Both).ok()?;
            None
        }
        Reaction::Hang => {
            // Until the sender gives up and closes.
            let _ = stream.read(&mut [0]);
            None
        }
        Reaction::Late(wait) => {
            pause(*wait);
            answer(stream, 200, "")
        }
        Reaction::Endless => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .ok()?;
            let chunk = [&b"1000\r\n"[..], &[b'x'; 0x1000], b"\r\n"].concat();
            loop {
                stream.write_all(&chunk).ok()?;
            }
        }
        Reaction::Trickle => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
                .ok()?;
            loop {
                stream.write_all(b"x").ok()?;
                pause(Duration::from_millis(20));
            }
        }
        Reaction::Garbage => {
            stream.write_all(b"this is not HTTP\r\n\r\n").ok()?;
            None
        }
    }
}

fn answer(stream: &mut TcpStream, status: u16, more: &str) -> Option<()> {
    let answer = format!("HTTP/1.1 {status} Whatever\r\n{more}content-length: 2\r\n\r\n{{}}");
    stream.write_all(answer.as_bytes()).ok()
}

/// A receiver's own slowness is what is tested: nothing waits for it but the connection itself.
fn pause(time: Duration) {
    let (_never, silence) = mpsc::channel::<()>();
    let _ = silence.recv_timeout(time);
}
