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

pub fn pages_of_one_filter_are_whole_whenever_their_deliveries_were_made(harness: &dyn Harness) {
    const EVENTS: usize = 700;
    let (scene, epoch) = Scene::new(harness);
    let (webhook, other) = (scene.add_webhook(), scene.add_webhook());
    let types = [
        EventType::ImageProcessed,
        EventType::ImageProcessed,
        EventType::InspectionReviewed,
    ];
    // Many events within one instant, then others: the type that is looked for is a third of all.
    let events: Vec<_> = (0..EVENTS)
        .map(|number| {
            if number % 50 == 0 {
                scene.world.clock.step(1_000);
            }
            let mut event = scene.event(InspectionId(scene.world.id()), &[webhook]);
            event.event_type = types[number % types.len()];
            event
        })
        .collect();
    let mut all: Vec<_> = events
        .iter()
        .map(|event| (event.deliveries[0].id, event.event_type))
        .collect();
    for some in events.chunks(100) {
        scene
            .commit(Change {
                events: some.to_vec(),
                ..Change::default()
            })
            .unwrap();
    }
    // Some of the oldest are sent to another webhook, long after they were made.
    for event in events.iter().step_by(7).take(60) {
        scene.world.clock.step(500);
        let (id, write) = scene.late_delivery(event.id, other);
        scene.write(write).unwrap();
        all.push((id, event.event_type));
    }
    // A few end, so that a page of one end passes over the others.
    let mut delivered = Vec::new();
    for leased in scene.claim_up_to(webhook, epoch, 90, usize::MAX).leased {
        if delivered.len() < 80 {
            scene.settle(&leased, 200);
            delivered.push(leased.delivery_id);
        }
    }
    all.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(id.0));
    let reviewed = EventType::InspectionReviewed;
    let check = |filter: DeliveryFilter, belongs: &dyn Fn(DeliveryId, EventType) -> bool| {
        let mut expected: Vec<_> = all.clone();
        expected.retain(|(id, event_type)| belongs(*id, *event_type));
        let expected: Vec<_> = expected.into_iter().map(|(id, _)| id).collect();
        assert!(expected.len() > 20, "too few to tell");
        assert_eq!(pages(&scene, &filter), expected, "{filter:?}");
    };
    let asked = DeliveryFilter::default();
    let of_type = DeliveryFilter {
        event_type: Some(reviewed),
        ..asked.clone()
    };
    let pending = DeliveryFilter {
        status: Some(DeliveryStatus::Pending),
        ..asked
    };
    let is_delivered = |id| delivered.contains(&id);
    check(of_type.clone(), &|_, event_type| event_type == reviewed);
    check(
        DeliveryFilter {
            status: Some(DeliveryStatus::Delivered),
            ..of_type
        },
        &|id, event_type| event_type == reviewed && is_delivered(id),
    );
    check(pending.clone(), &|id, _| !is_delivered(id));
    check(
        DeliveryFilter {
            event_type: Some(reviewed),
            ..pending
        },
        &|id, event_type| event_type == reviewed && !is_delivered(id),
    );
    let nobody = DeliveryFilter {
        event_type: Some(EventType::InspectionBlocked),
        ..DeliveryFilter::default()
    };
    assert_eq!(pages(&scene, &nobody), []);
}

/// All deliveries of a filter, page by page.
fn pages(scene: &Scene<'_>, filter: &DeliveryFilter) -> Vec<DeliveryId> {
    let (mut deliveries, mut before) = (Vec::new(), None);
    loop {
        let page = Page { limit: 7, before };
        let found = block_on(scene.store.deliveries(scene.company, filter.clone(), page)).unwrap();
        let Some(last) = found.last() else {
            return deliveries;
        };
        before = Some(last.id);
        deliveries.extend(found.into_iter().map(|delivery| delivery.id));
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
