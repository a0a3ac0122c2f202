//! Proof of ownership: receivers that echo what they are sent, and those that do not.

use std::sync::Arc;

use heraldo_delivery::lanes::Limits;
use heraldo_domain::ops::Settings;
use heraldo_domain::ops::webhooks::{create_webhook, reveal_secret, update_webhook};
use heraldo_domain::store::Store;
use heraldo_wire::api::{CreateWebhookRequest, UpdateWebhookRequest};
use heraldo_wire::problem::{Problem, ProblemCode};
use heraldo_wire::signature::construct_event;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use crate::receiver::{Receiver, read_request};
use crate::world::World;

/// A receiver that answers the token of each challenge, and shows the requests.
async fn echoing(world: &World) -> (Receiver, mpsc::UnboundedReceiver<String>) {
    let (seen, requests) = mpsc::unbounded_channel();
    let receiver = world
        .bed
        .receiver(move |_, mut stream| {
            let seen = seen.clone();
            async move {
                while let Some(text) = read_request(&mut stream).await {
                    let (_, body) = text.split_once("\r\n\r\n").unwrap();
                    let body: Value = serde_json::from_str(body).unwrap();
                    assert_eq!(body["event"], "webhook_challenge");
                    let echo = serde_json::json!({"challenge": body["payload"]["challenge"]});
                    let echo = echo.to_string();
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{echo}",
                        echo.len()
                    );
                    // A test that has seen enough no longer listens.
                    let _ = seen.send(text);
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await;
    (receiver, requests)
}

fn asked(endpoint: String) -> CreateWebhookRequest {
    CreateWebhookRequest {
        endpoint,
        events: vec!["inspection_created".to_owned()],
        challenge: Some(true),
        ..CreateWebhookRequest::default()
    }
}

async fn count(world: &World) -> usize {
    let company = world.store.company(world.caller.company_id).await;
    company.unwrap().unwrap().webhooks.len()
}

fn refused<T: std::fmt::Debug>(result: Result<T, Problem>, why: &str) {
    let problem = result.unwrap_err();
    assert_eq!(problem.code, ProblemCode::ChallengeFailed);
    for part in [why, "let it answer `webhook_challenge` with 200"] {
        assert!(problem.detail.contains(part), "{}", problem.detail);
    }
}

#[tokio::test]
async fn a_receiver_that_echoes_the_token_gets_its_webhook() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let (receiver, mut requests) = echoing(&world).await;
    let id = world
        .webhook(receiver.url(), |request| request.challenge = Some(true))
        .await;
    // It is signed with the secret that the webhook then has.
    let request = requests.recv().await.unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let signature = head
        .lines()
        .find_map(|line| line.strip_prefix("autoinspector-signature: "));
    let secret = reveal_secret(&world.context, &world.caller, id)
        .await
        .unwrap();
    construct_event(body.as_bytes(), signature, &secret.secret).unwrap();
    assert!(
        head.lines()
            .any(|line| line.starts_with("webhook-id: chl_")),
        "{head}"
    );
}

#[tokio::test]
async fn a_receiver_that_does_not_echo_gets_none_and_the_answer_says_why() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let create =
        async |endpoint| create_webhook(&world.context, &world.caller, asked(endpoint), None).await;
    let (silent, _requests) = world.receiver(|_, _| 200).await;
    refused(create(silent.url()).await, "does not echo the token");
    let (failing, _requests) = world.receiver(|_, _| 503).await;
    refused(create(failing.url()).await, "answered 503");
    refused(
        create("http://127.0.0.1:1/".to_owned()).await,
        "refused the connection",
    );
    assert_eq!(count(&world).await, 0);
}

#[tokio::test]
async fn a_server_that_demands_proof_demands_it_of_every_new_endpoint() {
    let mut world = World::new(Limits::default(), Vec::new()).await;
    world.context.settings = Arc::new(Settings {
        webhook_challenge: true,
        ..Settings::clone(&world.context.settings)
    });
    let (silent, _requests) = world.receiver(|_, _| 200).await;
    let mut request = asked(silent.url());
    request.challenge = Some(false);
    let created = create_webhook(&world.context, &world.caller, request, None).await;
    refused(created, "does not echo the token");

    let (receiver, mut requests) = echoing(&world).await;
    let id = world.webhook(receiver.url(), |_| {}).await;
    requests.recv().await.unwrap();
    let change = async |endpoint: Option<String>| {
        let request = UpdateWebhookRequest {
            endpoint,
            timeout_ms: heraldo_wire::api::Patch::Set(5_000),
            ..UpdateWebhookRequest::default()
        };
        update_webhook(&world.context, &world.caller, id, request).await
    };
    refused(change(Some(silent.url())).await, "does not echo the token");
    let stays = world.store.webhook(id).await.unwrap().unwrap();
    assert_eq!(stays.settings.endpoint, receiver.url());
    change(None).await.unwrap();
    assert!(requests.try_recv().is_err(), "the endpoint is the same");
}
