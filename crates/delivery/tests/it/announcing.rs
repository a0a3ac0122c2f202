//! Attempts are told of once their outcomes are written, while somebody listens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use heraldo_delivery::lanes::Limits;
use heraldo_domain::ports::Announcer;
use heraldo_domain::query::DeliveryRecord;
use heraldo_domain::store::Store as _;
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::event::EventType;
use tokio::sync::mpsc;

use crate::world::{World, human};

#[derive(Debug)]
struct Listener {
    listens: AtomicBool,
    told: mpsc::UnboundedSender<DeliveryRecord>,
}

impl Announcer for Listener {
    fn is_heard(&self) -> bool {
        self.listens.load(Ordering::Relaxed)
    }

    fn announce(&self, ended: Vec<DeliveryRecord>) {
        for delivery in ended {
            self.told.send(delivery).unwrap();
        }
    }
}

#[tokio::test]
async fn an_attempt_is_told_as_the_store_has_it_and_only_while_somebody_listens() {
    let world = World::new(Limits::default(), Vec::new()).await;
    let (receiver, mut requests) = world.receiver(|n, _| if n < 2 { 500 } else { 200 }).await;
    world
        .webhook(receiver.url(), |request| {
            request.retry_schedule = Some(vec![human(600_000)]);
        })
        .await;
    let (told, mut heard) = mpsc::unbounded_channel();
    let listener = Arc::new(Listener {
        listens: AtomicBool::new(true),
        told,
    });
    world.dispatcher.announce_to(listener.clone());
    let events = [
        (EventType::InspectionCompleted, 1),
        (EventType::InspectionCreated, 2),
        (EventType::InspectionCreated, 3),
    ];
    let expected = [
        DeliveryStatus::Pending,
        DeliveryStatus::Failed,
        DeliveryStatus::Delivered,
    ];
    for (event, status) in events.iter().zip(expected) {
        world.publish(&[*event]).await;
        requests.recv().await.unwrap();
        let told = heard.recv().await.unwrap();
        let stored = world.store.delivery(told.company_id, told.id).await;
        let mut stored = stored.unwrap().unwrap();
        stored.attempts.clear();
        assert_eq!(told, stored);
        assert_eq!(told.status, status);
    }
    listener.listens.store(false, Ordering::Relaxed);
    world.publish(&[(EventType::InspectionCreated, 4)]).await;
    requests.recv().await.unwrap();
    assert_eq!(world.stop().await.len(), 4);
    assert!(heard.try_recv().is_err(), "nobody listened");
}
