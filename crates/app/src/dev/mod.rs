//! `heraldo dev`: a server for one's own machine, with a sample receiver that shows what arrives.

mod greeting;
mod http;
mod receiver;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

use heraldo_domain::account::KeyText;
use heraldo_domain::ops::Context;
use heraldo_domain::ops::accounts::new_sign_in_token;
use heraldo_domain::query::Page;
use heraldo_wire::id::CompanyId;
use ipnet::IpNet;
use tokio::net::TcpListener;

use crate::engine::Engine;
use crate::failure::{Failure, Outcome};
use crate::private_file;
use crate::serve::{Signals, begin, first_run, runtime, until_stopped};
use crate::settings::Settings;
use crate::terminal::say;
use greeting::Greeting;
use receiver::Receiver;

/// The file in the data folder that holds the sample receiver's port, so that the webhooks of earlier
/// runs still reach it.
const PORT_FILE: &str = "sample-receiver-port";

pub fn run(mut settings: Settings) -> Outcome<ExitCode> {
    if !settings.listen.ip().is_loopback() {
        return Err(Failure::new(format!(
            "`heraldo dev` is for your own machine and listens on loopback addresses only, not on {}; use \
             127.0.0.1:8080, or `heraldo serve` to be reached from elsewhere",
            settings.listen
        )));
    }
    settings.allow_networks.extend(loopback());
    begin(&settings)?;
    runtime()?.block_on(async {
        let signals = Signals::listen()?;
        let data_dir = settings.data_dir.clone();
        let engine = Engine::open(settings).await?;
        let (listener, receiver_address) = bind_receiver(&data_dir).await?;
        let receiver = Receiver::new(engine.context().clone());
        let serving = http::serve(
            listener,
            receiver,
            engine.tasks().clone(),
            engine.stopping().clone(),
        );
        engine.tasks().spawn(serving);
        let running = engine.start().await?;
        let context = running.context();
        let new = first_run(context).await?;
        let company = match &new {
            Some(new) => new.company_id,
            None => oldest_company(context).await?,
        };
        let token = match &new {
            Some(new) => new.sign_in_token.clone(),
            None => new_sign_in_token(context, company).await?,
        };
        let greeting = Greeting {
            program: &std::env::args()
                .next()
                .unwrap_or_else(|| "heraldo".to_owned()),
            address: running.address,
            receiver: receiver_address,
            public_url: &context.links.public_url,
            data_dir: &data_dir,
            company,
            api_key: new.as_ref().map(|new| KeyText::reveal(&new.api_key)),
            sign_in_token: &token,
        };
        say(&greeting.text());
        until_stopped(signals, running).await;
        Ok(ExitCode::SUCCESS)
    })
}

fn loopback() -> Vec<IpNet> {
    ["127.0.0.0/8", "::1/128"]
        .iter()
        .filter_map(|network| network.parse().ok())
        .collect()
}

/// The company of the first run, which is the one that the greeting speaks of.
async fn oldest_company(context: &Context) -> Outcome<CompanyId> {
    let mut page = Page {
        limit: 100,
        before: None,
    };
    loop {
        let companies = context.store.companies(page).await?;
        let Some(oldest) = companies.last() else {
            return page
                .before
                .ok_or_else(|| Failure::new("there is no company"));
        };
        page.before = Some(oldest.id);
    }
}

/// Takes the port of earlier runs if it is free, else any.
async fn bind_receiver(data_dir: &Path) -> Outcome<(TcpListener, SocketAddr)> {
    let file = data_dir.join(PORT_FILE);
    let remembered = std::fs::read_to_string(&file)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let at = |port: u16| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let listener = match at(remembered.unwrap_or(0)).await {
        Ok(listener) => listener,
        Err(_) => at(0).await.map_err(|error| {
            Failure::new(format!(
                "the sample receiver cannot listen on 127.0.0.1: {error}"
            ))
        })?,
    };
    let address = listener
        .local_addr()
        .map_err(|error| Failure::new(format!("the sample receiver has no address: {error}")))?;
    if remembered != Some(address.port())
        && let Err(error) = private_file::write(&file, &format!("{}\n", address.port()))
    {
        tracing::warn!(%error, "the sample receiver's port cannot be remembered for the next run");
    }
    Ok((listener, address))
}
