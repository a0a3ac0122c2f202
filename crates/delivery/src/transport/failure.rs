//! What went wrong, in words with what to do about it. Names host and port only: the path and the query
//! of an endpoint may hold secrets.

use std::io;
use std::time::Duration;

use heraldo_domain::endpoint::Refused;
use heraldo_wire::attempt::{ErrorClass, Phase};

use super::connect::class_of_io;
use super::link::cause;
use super::proxy::NoTunnel;
use super::target::Target;
use super::{Failure, tls};

fn failure(class: ErrorClass, phase: Option<Phase>, detail: String) -> Failure {
    Failure {
        class,
        phase,
        detail,
        status: None,
        answer: None,
    }
}

pub(super) fn timed_out(
    target: &Target,
    phase: Option<Phase>,
    status: Option<u16>,
    timeout: Duration,
) -> Failure {
    let who = target.authority();
    let detail = match phase {
        None | Some(Phase::Resolve) => format!(
            "the name {} was not resolved within {timeout:?}; check the DNS of that domain",
            target.host_text()
        ),
        Some(Phase::Connect) => format!(
            "no connection to {who} could be opened within {timeout:?}; check that the receiver runs and that its firewall lets Heraldo in"
        ),
        Some(Phase::Tls) => format!(
            "{who} accepted the connection but did not finish the TLS handshake within {timeout:?}; check that the port speaks TLS"
        ),
        Some(Phase::FirstByte) => format!(
            "{who} took the request but did not answer within {timeout:?}; answer 2XX first and do the work afterwards"
        ),
        Some(Phase::Body) => format!(
            "{who} began to answer{} but its body did not end within {timeout:?}; end the answer, or send none",
            status
                .map(|status| format!(" {status}"))
                .unwrap_or_default()
        ),
    };
    Failure {
        class: ErrorClass::Timeout,
        phase: phase.or(Some(Phase::Resolve)),
        detail,
        status,
        answer: None,
    }
}

pub(super) fn not_resolved(target: &Target, error: Option<&io::Error>) -> Failure {
    let why = match error {
        Some(error) => format!(": {error}"),
        None => ": it has no address".to_owned(),
    };
    let detail = format!(
        "the name {} does not resolve{why}; check the endpoint's host and its DNS records",
        target.host_text()
    );
    failure(ErrorClass::Dns, Some(Phase::Resolve), detail)
}

/// Names the range, not the address: whoever sets an endpoint need not learn what a name inside our
/// network resolves to.
pub(super) fn address_refused(target: &Target, phase: Option<Phase>, refused: &Refused) -> Failure {
    let detail = format!(
        "the address of {} is not called: {refused}",
        target.host_text()
    );
    failure(ErrorClass::AddressRefused, phase, detail)
}

pub(super) fn not_connected(target: &Target, error: &io::Error) -> Failure {
    let who = target.authority();
    let detail = match error.kind() {
        io::ErrorKind::ConnectionRefused => format!(
            "{who} refused the connection: nothing listens on port {}; check that the receiver runs, and the port",
            target.port()
        ),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => format!(
            "there is no route to {who}; check the receiver's network and the address of its name"
        ),
        io::ErrorKind::TimedOut => format!(
            "{who} did not answer the connection; check that the receiver runs and that its firewall lets Heraldo in"
        ),
        _ => format!("no connection to {who}: {error}; check that the receiver can be reached"),
    };
    failure(ErrorClass::Connect, Some(Phase::Connect), detail)
}

/// Does not name the proxy: whoever reads it need not learn what stands inside our network.
pub(super) fn no_tunnel(target: &Target, error: &NoTunnel) -> Failure {
    let who = target.authority();
    let detail = match error {
        NoTunnel::Unreachable(error) => format!(
            "the egress proxy cannot be reached ({error}); whoever runs this server checks HERALDO_EGRESS_PROXY and the proxy"
        ),
        NoTunnel::Refused(407) => {
            "the egress proxy does not take our credentials (407); whoever runs this server puts the right ones into HERALDO_EGRESS_PROXY".to_owned()
        }
        NoTunnel::Refused(status @ (401 | 403)) => format!(
            "the egress proxy does not let us connect to {who} ({status}); whoever runs this server allows it there"
        ),
        NoTunnel::Refused(status) => format!(
            "the egress proxy could not connect to {who} ({status}); check that the receiver runs and lets the proxy in"
        ),
        NoTunnel::Broken(error) => format!(
            "the egress proxy did not answer as a proxy does ({error}); whoever runs this server checks HERALDO_EGRESS_PROXY"
        ),
    };
    failure(ErrorClass::Connect, Some(Phase::Connect), detail)
}

pub(super) fn no_tls(target: &Target, error: &io::Error) -> Failure {
    let who = target.authority();
    let detail = match tls::error_within(error) {
        Some(error) => format!("{who}: {}", tls::in_words(error)),
        None => format!(
            "{who} cut the connection during the TLS handshake ({error}); check that the port speaks TLS and serves this name"
        ),
    };
    failure(ErrorClass::Tls, Some(Phase::Tls), detail)
}

/// A connection that did not get as far as a request.
pub(super) fn not_http(target: &Target, phase: Phase, error: &hyper::Error) -> Failure {
    exchange_broke(target, phase, None, error, None)
}

/// A request or an answer that broke off; `tls_broke` is what the error itself does not tell.
pub(super) fn exchange_broke(
    target: &Target,
    phase: Phase,
    status: Option<u16>,
    error: &hyper::Error,
    tls_broke: Option<&rustls::Error>,
) -> Failure {
    let who = target.authority();
    let tls_broke = tls_broke.or_else(|| cause::<rustls::Error>(error));
    let class = match tls_broke {
        Some(_) => ErrorClass::Tls,
        None => class_of(error),
    };
    let part = if phase == Phase::Body {
        "in the middle of the answer's body; send the whole body"
    } else {
        "before the head of an answer was complete; check that the receiver did not crash"
    };
    let detail = match class {
        ErrorClass::Tls => {
            let words = tls_broke.map(tls::in_words);
            format!(
                "{who}: {}",
                words.unwrap_or_else(|| {
                    "TLS failed; check the receiver's TLS settings".to_owned()
                })
            )
        }
        ErrorClass::Reset => match cause::<h2::Error>(error).and_then(h2::Error::reason) {
            Some(reason) => format!("{who} cut the request ({reason}) {part}"),
            None => format!("{who} cut the connection {part}"),
        },
        _ => format!(
            "what {who} answered cannot be taken as HTTP ({}); check that a web server listens there, and that its headers are few and short",
            innermost(error)
        ),
    };
    Failure {
        class,
        phase: Some(phase),
        detail,
        status,
        answer: None,
    }
}

pub(super) fn class_of(error: &hyper::Error) -> ErrorClass {
    if error.is_parse() {
        ErrorClass::Protocol
    } else if let Some(h2) = cause::<h2::Error>(error) {
        if h2.is_remote() {
            ErrorClass::Reset
        } else {
            ErrorClass::Protocol
        }
    } else if let Some(io) = cause::<io::Error>(error) {
        class_of_io(io)
    } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        ErrorClass::Reset
    } else {
        ErrorClass::Protocol
    }
}

/// Whether a peer that multiplexes said that it did not take the request.
pub(super) fn was_not_taken(error: &hyper::Error) -> bool {
    match cause::<h2::Error>(error) {
        Some(h2) => h2.is_go_away() || h2.reason() == Some(h2::Reason::REFUSED_STREAM),
        None => class_of(error) == ErrorClass::Reset,
    }
}

fn innermost(error: &hyper::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
