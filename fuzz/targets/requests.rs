//! Bodies, queries and ids for every route that the product has. The first two bytes name the route, the third the
//! content type, the fourth whether the path names something that exists.
#![no_main]

use std::cell::RefCell;
use std::sync::LazyLock;

use heraldo_fuzz::{FORM, Server};
use heraldo_web::every_route;
use libfuzzer_sys::fuzz_target;

const KINDS: &[&str] = &[
    "application/json",
    "multipart/form-data; boundary=x",
    FORM,
    "text/plain",
];

/// Answers without an end: nothing waits for the whole of one.
const STREAMS: [&str; 2] = ["/v1/notification/stream", "/dashboard/deliveries/stream"];

/// What is made stays; a fresh server now and then keeps it small.
const CALLS_OF_ONE_SERVER_MAX: u32 = 2_000;

struct Route {
    method: String,
    path: String,
    /// An input names the route whose place is the next one: a new route takes none of the others' inputs but some.
    place: u16,
}

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let routes = every_route().into_iter();
    let routes = routes.filter(|(_, path)| !STREAMS.contains(&path.as_str()));
    let routes = routes.map(|(method, path)| Route {
        place: place(&format!("{method} {path}")),
        method: method.to_string(),
        path,
    });
    routes.collect()
});

/// FNV-1a, folded: always the same for the same text.
fn place(text: &str) -> u16 {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    ((hash >> 16) ^ (hash & 0xffff)) as u16
}

thread_local! {
    static SERVER: RefCell<(Server, u32)> = RefCell::new((Server::start(), 0));
}

/// Whether it takes away what later inputs name.
fn takes_away(route: &Route) -> bool {
    let ends = [
        "/delete",
        "/revoke",
        "/remove",
        "/cancel",
        "/sign-out",
        "/sign-out-everywhere",
        "/password",
    ];
    route.method == "DELETE" || ends.iter().any(|end| route.path.ends_with(end))
}

/// The bytes as a part of a path or of a query.
fn escaped(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(*byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

fuzz_target!(|input: &[u8]| {
    let [high, low, kind, names, body @ ..] = input else {
        return;
    };
    let place = u16::from_be_bytes([*high, *low]);
    let distance = |route: &&Route| route.place.wrapping_sub(place);
    let Some(route) = ROUTES.iter().min_by_key(distance) else {
        return;
    };
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    SERVER.with_borrow_mut(|(server, calls)| {
        *calls += 1;
        if *calls > CALLS_OF_ONE_SERVER_MAX {
            (*server, *calls) = (Server::start(), 0);
        }
        let id = match names % 8 {
            0..6 => server.known(&route.path).to_owned(),
            6 => "651ae032ff786d198dfa4ce4".to_owned(),
            _ => escaped(&body[..body.len().min(32)]),
        };
        let mut path = String::new();
        for part in route.path.split('/').skip(1) {
            path.push('/');
            match part {
                "{id}" => path.push_str(&id),
                "{reportId}" | "{name}" | "{token}" => path.push_str(&escaped(body)),
                other => path.push_str(other),
            }
        }
        if route.method == "GET" {
            path.push('?');
            path.push_str(&String::from_utf8_lossy(body));
        }
        let Some(answer) = server.call(&route.method, &path, kind, body) else {
            return;
        };
        let (status, asked) = (answer.status, format!("{} {path}", route.method));
        assert!(status < 500, "{asked}: {status}");
        if answer.kind == "application/json" {
            let value: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
            let says = value["code"].is_string() || path.contains("access");
            assert!(status < 400 || says, "{asked}: {value}");
        }
        if status < 400 && takes_away(route) {
            *calls = CALLS_OF_ONE_SERVER_MAX;
        }
    });
});
