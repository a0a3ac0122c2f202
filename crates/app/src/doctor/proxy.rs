//! Looks whether the egress proxy answers.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use heraldo_delivery::transport::Proxy;

use super::Finding;

const WHAT: &str = "egress proxy";
const CONNECT_MAX: Duration = Duration::from_secs(2);

pub fn finding(proxy: &Proxy) -> Finding {
    let authority = proxy.authority();
    match connect(&authority) {
        Ok(()) => Finding::ok(
            WHAT,
            format!("{authority} takes connections; receivers are called through it"),
        ),
        Err(error) => Finding::error(
            WHAT,
            format!(
                "{authority} cannot be reached ({error}), so no receiver can; start it, or change HERALDO_EGRESS_PROXY"
            ),
        ),
    }
}

fn connect(authority: &str) -> std::io::Result<()> {
    let mut last = std::io::Error::other("its name has no address");
    for address in authority.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}
