//! Bodies and queries for every route. The first byte names the route, the second the content type.
#![no_main]

use std::cell::RefCell;

use heraldo_fuzz::Server;
use libfuzzer_sys::fuzz_target;

/// `{i}`, `{p}` and `{w}` stand for ids that exist, `?` for the input itself as a query.
const ROUTES: &[(&str, &str)] = &[
    ("POST", "/v1/inspection/car"),
    ("POST", "/v1/inspection/goods"),
    ("POST", "/v1/inspection/people"),
    ("POST", "/v1/inspection/custom"),
    ("PUT", "/v1/inspection/{i}"),
    ("PUT", "/v1/inspection/car/{p}"),
    ("POST", "/v1/inspection/goods/{i}"),
    ("POST", "/v1/inspection/finish/{i}"),
    ("POST", "/v1/inspection/{i}/access"),
    ("POST", "/v1/inspection/{i}/review"),
    ("POST", "/v1/inspection/{i}/children"),
    ("POST", "/v1/inspection/{i}/report/request"),
    ("POST", "/v1/inspection/presign/detail/{i}"),
    ("POST", "/v1/inspection/image/token/{p}"),
    ("POST", "/v1/inspection/image/{p}"),
    ("POST", "/v1/inspection/image/{p}/result"),
    ("POST", "/v1/inspection/template"),
    ("POST", "/v1/notification/webhook"),
    ("PATCH", "/v1/notification/webhook/{w}"),
    ("POST", "/v1/notification/webhook/{w}/test"),
    ("POST", "/v1/notification/webhook/{w}/secret/rotate"),
    ("POST", "/v1/notification/event"),
    ("POST", "/v1/account/key"),
    ("POST", "/v1/account/oauth/exchange_code"),
    ("POST", "/v1/account/oauth/refresh_token"),
    ("GET", "/v1/inspection?"),
    ("GET", "/v1/inspection/template?"),
    ("GET", "/v1/notification/delivery?"),
    ("GET", "/v1/notification/event?"),
    ("GET", "/v1/notification/webhook?"),
];

const KINDS: &[&str] = &[
    "application/json",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "text/plain",
];

/// What is made stays; a fresh server now and then keeps it small.
const CALLS_OF_ONE_SERVER_MAX: u32 = 5_000;

thread_local! {
    static SERVER: RefCell<(Server, u32)> = RefCell::new((Server::start(), 0));
}

fuzz_target!(|input: &[u8]| {
    let [route, kind, body @ ..] = input else {
        return;
    };
    let (method, path) = ROUTES[usize::from(*route) % ROUTES.len()];
    let kind = KINDS[usize::from(*kind) % KINDS.len()];
    SERVER.with_borrow_mut(|(server, calls)| {
        *calls += 1;
        if *calls > CALLS_OF_ONE_SERVER_MAX {
            (*server, *calls) = (Server::start(), 0);
        }
        let mut path = path
            .replace("{i}", &server.inspection)
            .replace("{p}", &server.product)
            .replace("{w}", &server.webhook);
        if path.ends_with('?') {
            path.push_str(&String::from_utf8_lossy(body));
        }
        let Some((status, answer)) = server.call(method, &path, kind, body) else {
            return;
        };
        assert!(status < 500, "{method} {path}: {status}");
        let value: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
        assert!(status < 400 || value["code"].is_string() || path.contains("access"));
    });
});
