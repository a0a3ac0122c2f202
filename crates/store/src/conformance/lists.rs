//! Lists: order, filters, cursors, and whose rows they show.

use heraldo_domain::change::{Change, Origin, Write};
use heraldo_domain::delivery::Next;
use heraldo_domain::query::{DeliveryFilter, EventFilter, InspectionFilter, Page};
use heraldo_wire::api::DeliveryStatus;
use heraldo_wire::event::EventType;
use heraldo_wire::id::{DeliveryId, EventId, InspectionId};

use super::scene::{Scene, first_page};
use super::{Harness, block_on};

fn events(scene: &Scene<'_>, filter: EventFilter) -> Vec<EventId> {
    let found = block_on(scene.store.events(scene.company, filter, first_page())).unwrap();
    found.into_iter().map(|event| event.id).collect()
}

fn deliveries(scene: &Scene<'_>, filter: DeliveryFilter) -> Vec<DeliveryId> {
    let found = block_on(scene.store.deliveries(scene.company, filter, first_page())).unwrap();
    found.into_iter().map(|delivery| delivery.id).collect()
}

pub fn events_are_listed_newest_first_and_filtered(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let inspection = InspectionId(scene.world.id());
    let mut made = Vec::new();
    for number in 0..6 {
        scene.world.clock.step(10);
        let about = if number % 2 == 0 {
            inspection
        } else {
            InspectionId(scene.world.id())
        };
        let mut event = scene.event(about, &[]);
        if number >= 4 {
            event.event_type = EventType::InspectionCompleted;
            event.origin = Origin::Test;
        }
        scene
            .commit(Change {
                events: vec![event.clone()],
                ..Change::default()
            })
            .unwrap();
        made.push(event);
    }
    let newest_first = |numbers: &[usize]| numbers.iter().map(|n| made[*n].id).collect::<Vec<_>>();
    let all = EventFilter::default();
    assert_eq!(
        events(&scene, all.clone()),
        newest_first(&[5, 4, 3, 2, 1, 0])
    );
    let of_inspection = EventFilter {
        inspection_id: Some(inspection),
        ..all.clone()
    };
    assert_eq!(
        events(&scene, of_inspection.clone()),
        newest_first(&[4, 2, 0])
    );
    let completed = Some(EventType::InspectionCompleted);
    let of_type = EventFilter {
        event_type: completed,
        ..all.clone()
    };
    assert_eq!(events(&scene, of_type), newest_first(&[5, 4]));
    let of_both = EventFilter {
        event_type: completed,
        ..of_inspection
    };
    assert_eq!(events(&scene, of_both), newest_first(&[4]));
    let (from, to) = (Some(made[1].created_at), Some(made[3].created_at));
    assert_eq!(
        events(
            &scene,
            EventFilter {
                from,
                ..all.clone()
            }
        ),
        newest_first(&[5, 4, 3, 2, 1])
    );
    assert_eq!(
        events(&scene, EventFilter { from, to, ..all }),
        newest_first(&[2, 1])
    );

    let read = block_on(scene.store.event(scene.company, made[5].id))
        .unwrap()
        .expect("the event");
    assert_eq!(
        (read.origin, read.event_type),
        (Origin::Test, EventType::InspectionCompleted)
    );
    assert_eq!(
        (read.body, read.created_at),
        (made[5].body.clone(), made[5].created_at)
    );
}

pub fn deliveries_are_listed_newest_first_and_filtered(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhooks = [scene.add_webhook(), scene.add_webhook()];
    let inspection = InspectionId(scene.world.id());
    let mut made = Vec::new();
    scene.world.hand_over.set_room(100);
    for number in 0..6 {
        scene.world.clock.step(10);
        let about = if number % 2 == 0 {
            inspection
        } else {
            InspectionId(scene.world.id())
        };
        let mut event = scene.event(about, &webhooks);
        if number == 5 {
            event.event_type = EventType::InspectionCompleted;
        }
        scene
            .commit(Change {
                events: vec![event.clone()],
                ..Change::default()
            })
            .unwrap();
        made.push(event);
    }
    let handed = scene.world.hand_over.all();
    let nexts = [Next::Delivered, Next::Failed, Next::Cancelled];
    for (leased, next) in handed.iter().zip(nexts) {
        scene.settle_to(leased, next);
    }
    let id = |event: usize, webhook: usize| made[event].deliveries[webhook].id;
    let all = DeliveryFilter::default();
    let newest_first: Vec<_> = (0..6)
        .rev()
        .flat_map(|event| [id(event, 1), id(event, 0)])
        .collect();
    assert_eq!(deliveries(&scene, all.clone()), newest_first);

    let of_webhook = DeliveryFilter {
        webhook_id: Some(webhooks[1]),
        ..all.clone()
    };
    let expected: Vec<_> = (0..6).rev().map(|event| id(event, 1)).collect();
    assert_eq!(deliveries(&scene, of_webhook.clone()), expected);
    let of_event = DeliveryFilter {
        event_id: Some(made[3].id),
        ..all.clone()
    };
    assert_eq!(deliveries(&scene, of_event.clone()), [id(3, 1), id(3, 0)]);
    let of_both = DeliveryFilter {
        webhook_id: Some(webhooks[0]),
        ..of_event
    };
    assert_eq!(deliveries(&scene, of_both), [id(3, 0)]);
    let of_inspection = DeliveryFilter {
        inspection_id: Some(inspection),
        ..all.clone()
    };
    let expected: Vec<_> = [4, 2, 0]
        .into_iter()
        .flat_map(|event| [id(event, 1), id(event, 0)])
        .collect();
    assert_eq!(deliveries(&scene, of_inspection), expected);
    let completed = Some(EventType::InspectionCompleted);
    let of_type = DeliveryFilter {
        event_type: completed,
        ..all.clone()
    };
    assert_eq!(deliveries(&scene, of_type), [id(5, 1), id(5, 0)]);

    let standing = |status| DeliveryFilter {
        status: Some(status),
        ..all.clone()
    };
    assert_eq!(
        deliveries(&scene, standing(DeliveryStatus::Delivered)),
        [id(0, 0)]
    );
    assert_eq!(
        deliveries(&scene, standing(DeliveryStatus::Failed)),
        [id(0, 1)]
    );
    assert_eq!(
        deliveries(&scene, standing(DeliveryStatus::Cancelled)),
        [id(1, 0)]
    );
    assert_eq!(
        deliveries(&scene, standing(DeliveryStatus::Pending)).len(),
        9
    );
    let failed_there = DeliveryFilter {
        status: Some(DeliveryStatus::Failed),
        ..of_webhook
    };
    assert_eq!(deliveries(&scene, failed_there), [id(0, 1)]);

    let (from, to) = (Some(made[2].created_at), Some(made[4].created_at));
    let within = DeliveryFilter { from, to, ..all };
    assert_eq!(
        deliveries(&scene, within),
        [id(3, 1), id(3, 0), id(2, 1), id(2, 0)]
    );
    let listed = block_on(scene.store.deliveries(
        scene.company,
        standing(DeliveryStatus::Failed),
        first_page(),
    ));
    let failed = &listed.unwrap()[0];
    assert!(failed.last_attempt.is_some() && failed.attempts.is_empty());
    assert_eq!(
        (failed.attempt_count, failed.created_at),
        (1, made[0].created_at)
    );
}

pub fn pages_follow_each_other_without_gaps(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let made: Vec<_> = (0..7).map(|_| scene.publish(webhook)).collect();
    let (mut events, mut before) = (Vec::new(), None);
    loop {
        let page = Page { limit: 3, before };
        let found = block_on(
            scene
                .store
                .events(scene.company, EventFilter::default(), page),
        )
        .unwrap();
        let Some(last) = found.last() else { break };
        before = Some(last.id);
        events.extend(found.into_iter().map(|event| event.id));
    }
    assert_eq!(
        events,
        made.iter().rev().map(|event| event.id).collect::<Vec<_>>()
    );

    let filters = [
        DeliveryFilter::default(),
        DeliveryFilter {
            webhook_id: Some(webhook),
            ..DeliveryFilter::default()
        },
        DeliveryFilter {
            status: Some(DeliveryStatus::Pending),
            ..DeliveryFilter::default()
        },
    ];
    for filter in filters {
        let (mut deliveries, mut before) = (Vec::new(), None);
        loop {
            let page = Page { limit: 3, before };
            let found =
                block_on(scene.store.deliveries(scene.company, filter.clone(), page)).unwrap();
            let Some(last) = found.last() else { break };
            before = Some(last.id);
            deliveries.extend(found.into_iter().map(|delivery| delivery.id));
        }
        let expected: Vec<_> = made
            .iter()
            .rev()
            .map(|event| event.deliveries[0].id)
            .collect();
        assert_eq!(deliveries, expected);
    }
}

pub fn companies_see_nothing_of_each_other(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let inspection = scene.add_inspection("AB123").id;
    let event = scene.publish_about(inspection, webhook);
    scene
        .write(Write::CreateApiKey(scene.api_key("hk_live_0001")))
        .unwrap();
    let (stranger, _) = scene.add_company();
    let store = &scene.store;
    assert_eq!(block_on(store.event(stranger, event.id)).unwrap(), None);
    assert_eq!(
        block_on(store.delivery(stranger, event.deliveries[0].id)).unwrap(),
        None
    );
    assert_eq!(
        block_on(store.api_keys(stranger, first_page())).unwrap(),
        []
    );
    let found = block_on(store.inspections(stranger, InspectionFilter::default(), 0, 9)).unwrap();
    assert_eq!(found, (vec![], 0));
    for inspection_id in [None, Some(inspection)] {
        let filter = EventFilter {
            inspection_id,
            ..EventFilter::default()
        };
        assert_eq!(
            block_on(store.events(stranger, filter, first_page())).unwrap(),
            []
        );
    }
    let asked = DeliveryFilter::default();
    let filters = [
        asked.clone(),
        DeliveryFilter {
            webhook_id: Some(webhook),
            ..asked.clone()
        },
        DeliveryFilter {
            event_id: Some(event.id),
            ..asked.clone()
        },
        DeliveryFilter {
            inspection_id: Some(inspection),
            ..asked
        },
    ];
    for filter in filters {
        assert_eq!(
            block_on(store.deliveries(stranger, filter, first_page())).unwrap(),
            []
        );
    }
    let view = block_on(store.company(stranger))
        .unwrap()
        .expect("the other company");
    assert!(view.webhooks.is_empty());
    assert_eq!(view.members.len(), 1);
}
