//! Changes: whole or not at all, decided on a version, numbered, remembered.

use heraldo_domain::change::{Change, NewEvent, Write};
use heraldo_domain::inspection::{Inspection, State};
use heraldo_domain::query::{EventFilter, InspectionFilter};
use heraldo_domain::store::StoreError;
use heraldo_wire::id::InspectionId;

use super::scene::{ANSWER_LIFETIME_MS, Scene, first_page, refused};
use super::{Harness, block_on};

/// A change whose last write fails after all the others were made.
fn half_a_change(scene: &Scene<'_>) -> (Change, Inspection) {
    let inspection = scene.inspection("AB123");
    let webhook = scene.add_webhook();
    let change = Change {
        writes: vec![
            Write::CreateInspection(Box::new(inspection.clone())),
            Write::CreateApiKey(scene.api_key("hk_half")),
            Write::UpdateWebhook(scene.webhook()),
        ],
        events: vec![scene.event(inspection.id, &[webhook])],
        answer: Some(scene.answer("half")),
        audit: None,
    };
    (change, inspection)
}

fn nothing_is_left(scene: &Scene<'_>, inspection: InspectionId) {
    assert_eq!(block_on(scene.store.inspection(inspection)).unwrap(), None);
    let listed = scene
        .store
        .inspections(scene.company, InspectionFilter::default(), 0, 9);
    assert_eq!(block_on(listed).unwrap(), (vec![], 0));
    assert_eq!(
        block_on(scene.store.api_keys(scene.company, first_page())).unwrap(),
        []
    );
    let events = block_on(
        scene
            .store
            .events(scene.company, EventFilter::default(), first_page()),
    );
    assert_eq!(events.unwrap(), []);
    assert_eq!(
        block_on(scene.store.answer(&scene.answer_key("half"), scene.now())).unwrap(),
        None
    );
    assert_eq!(block_on(scene.store.waiting()).unwrap(), []);
    assert_eq!(scene.world.hand_over.outstanding(), 0);
}

pub fn a_failing_write_undoes_the_whole_change(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    scene.world.hand_over.set_room(5);
    let (change, inspection) = half_a_change(&scene);
    assert_eq!(refused(scene.commit(change)), StoreError::NotFound);
    nothing_is_left(&scene, inspection.id);

    // The same when an event fails after the writes: its delivery has the id of one that exists.
    let webhook = scene.add_webhook();
    let first = scene.publish_about(inspection.id, webhook);
    let mut taken = scene.event(inspection.id, &[webhook, webhook]);
    taken.deliveries[1].id = first.deliveries[0].id;
    let change = Change {
        writes: vec![Write::CreateInspection(Box::new(inspection.clone()))],
        events: vec![taken],
        ..Change::default()
    };
    assert_eq!(refused(scene.commit(change)), StoreError::Conflict);
    assert_eq!(
        block_on(scene.store.inspection(inspection.id)).unwrap(),
        None
    );
    assert_eq!(scene.world.hand_over.outstanding(), 0);
    assert_eq!(scene.world.hand_over.all().len(), 1);
}

pub fn a_change_that_fails_spares_the_others_of_its_group(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    scene.world.hand_over.set_room(1_000);
    let webhook = scene.add_webhook();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..25 {
                    scene.publish(webhook);
                }
            });
            threads.spawn(|| {
                for _ in 0..25 {
                    let (change, inspection) = half_a_change(&scene);
                    assert_eq!(refused(scene.commit(change)), StoreError::NotFound);
                    assert_eq!(
                        block_on(scene.store.inspection(inspection.id)).unwrap(),
                        None
                    );
                }
            });
        }
    });
    let events = block_on(
        scene
            .store
            .events(scene.company, EventFilter::default(), first_page()),
    );
    assert_eq!(events.unwrap().len(), 100);
    assert_eq!(scene.world.hand_over.all().len(), 100);
    assert_eq!(scene.world.hand_over.outstanding(), 0);
}

pub fn an_update_of_an_older_version_is_a_conflict(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let inspection = scene.add_inspection("AB123");
    let started = Inspection {
        version: 2,
        event_count: 1,
        state: State::started(scene.now()),
        ..inspection.clone()
    };
    scene
        .write(Write::UpdateInspection(Box::new(started.clone())))
        .unwrap();
    assert_eq!(
        block_on(scene.store.inspection(inspection.id)).unwrap(),
        Some(started.clone())
    );

    let again = scene.write(Write::UpdateInspection(Box::new(started.clone())));
    assert_eq!(refused(again), StoreError::Conflict);
    let ahead = Inspection {
        version: 4,
        ..started.clone()
    };
    assert_eq!(
        refused(scene.write(Write::UpdateInspection(Box::new(ahead)))),
        StoreError::Conflict
    );
    let unknown = scene.write(Write::UpdateInspection(Box::new(scene.inspection("ZZ999"))));
    assert_eq!(refused(unknown), StoreError::NotFound);
    assert_eq!(
        block_on(scene.store.inspection(inspection.id)).unwrap(),
        Some(started)
    );
}

pub fn a_created_id_that_exists_is_a_conflict(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let inspection = scene.add_inspection("AB123");
    let again = scene.write(Write::CreateInspection(Box::new(inspection)));
    assert_eq!(refused(again), StoreError::Conflict);
    let webhook = scene.webhook();
    scene.write(Write::CreateWebhook(webhook.clone())).unwrap();
    assert_eq!(
        refused(scene.write(Write::CreateWebhook(webhook.clone()))),
        StoreError::Conflict
    );
    let event = scene.publish(webhook.id);
    let again = scene.commit(Change {
        events: vec![event],
        ..Change::default()
    });
    assert_eq!(refused(again), StoreError::Conflict);
}

pub fn an_answer_is_kept_once_and_replaced_when_expired(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let answer = scene.answer("once");
    let with = |answer| Change {
        answer: Some(answer),
        ..Change::default()
    };
    scene.commit(with(answer.clone())).unwrap();
    let kept = block_on(scene.store.answer(&answer.key, scene.now())).unwrap();
    assert_eq!(kept, Some(answer.clone()));

    let inspection = scene.inspection("AB123");
    let change = Change {
        writes: vec![Write::CreateInspection(Box::new(inspection.clone()))],
        ..with(answer.clone())
    };
    assert_eq!(
        refused(scene.commit(change.clone())),
        StoreError::AnswerExists
    );
    assert_eq!(
        block_on(scene.store.inspection(inspection.id)).unwrap(),
        None
    );
    // Another company's request with the same key is another request.
    let (stranger, _) = scene.add_company();
    let mut anothers = answer.clone();
    anothers.key.company_id = stranger;
    scene.commit(with(anothers)).unwrap();

    scene.world.clock.step(ANSWER_LIFETIME_MS);
    assert_eq!(
        block_on(scene.store.answer(&answer.key, scene.now())).unwrap(),
        None
    );
    let renewed = scene.answer("once");
    scene
        .commit(Change {
            answer: Some(renewed.clone()),
            ..change
        })
        .unwrap();
    assert_eq!(
        block_on(scene.store.answer(&answer.key, scene.now())).unwrap(),
        Some(renewed)
    );
}

pub fn expired_answers_are_forgotten_in_slices(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    for number in 0..5 {
        let answer = Some(scene.answer(&number.to_string()));
        scene
            .commit(Change {
                answer,
                ..Change::default()
            })
            .unwrap();
    }
    let forget = |limit| block_on(scene.store.forget_expired(scene.now(), limit)).unwrap();
    assert_eq!(forget(10), 0);
    scene.world.clock.step(ANSWER_LIFETIME_MS);
    let late = scene.answer("late");
    scene
        .commit(Change {
            answer: Some(late.clone()),
            ..Change::default()
        })
        .unwrap();
    assert_eq!([forget(3), forget(3), forget(3)], [3, 2, 0]);
    assert_eq!(
        block_on(scene.store.answer(&late.key, scene.now())).unwrap(),
        Some(late)
    );
}

pub fn a_published_event_gets_the_next_sequence(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let inspection = InspectionId(scene.world.id());
    let other = InspectionId(scene.world.id());
    let events = vec![
        scene.event(inspection, &[]),
        scene.event(other, &[]),
        scene.event(inspection, &[]),
    ];
    let committed = scene
        .commit(Change {
            events,
            ..Change::default()
        })
        .unwrap();
    assert_eq!(committed.sequences, [1, 1, 2]);
    let event = scene.event(inspection, &[]);
    let id = event.id;
    let committed = scene
        .commit(Change {
            events: vec![event],
            ..Change::default()
        })
        .unwrap();
    assert_eq!(committed.sequences, [3]);
    let read = block_on(scene.store.event(scene.company, id))
        .unwrap()
        .expect("the event");
    assert_eq!(read.sequence, 3);

    // Another company's events that name the same inspection are numbered by themselves.
    let (stranger, _) = scene.add_company();
    let mut event = scene.event(inspection, &[]);
    event.company_id = stranger;
    let committed = scene
        .commit(Change {
            events: vec![event],
            ..Change::default()
        })
        .unwrap();
    assert_eq!(committed.sequences, [1]);
}

pub fn a_published_event_moves_the_count_of_its_own_inspection(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let inspection = scene.add_inspection("AB123");
    let mut own = scene.event(inspection.id, &[]);
    own.sequence = Some(1);
    let counted = Inspection {
        version: 2,
        event_count: 1,
        ..inspection.clone()
    };
    let change = Change {
        writes: vec![Write::UpdateInspection(Box::new(counted.clone()))],
        events: vec![own],
        ..Change::default()
    };
    assert_eq!(scene.commit(change).unwrap().sequences, [1]);

    let events = vec![
        scene.event(inspection.id, &[]),
        scene.event(inspection.id, &[]),
    ];
    let committed = scene
        .commit(Change {
            events,
            ..Change::default()
        })
        .unwrap();
    assert_eq!(committed.sequences, [2, 3]);
    let read = block_on(scene.store.inspection(inspection.id)).unwrap();
    assert_eq!(
        read,
        Some(Inspection {
            version: 4,
            event_count: 3,
            ..counted.clone()
        })
    );
    let stale = Inspection {
        version: 3,
        ..counted
    };
    assert_eq!(
        refused(scene.write(Write::UpdateInspection(Box::new(stale)))),
        StoreError::Conflict
    );
}

pub fn what_is_to_follow_an_event_that_was_made_later_is_refused(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let webhook = scene.add_webhook();
    let own = scene.inspection("AB123");
    let create = Write::CreateInspection(Box::new(own.clone()));
    scene.write(create).unwrap();
    let commit = |event: NewEvent| {
        scene.commit(Change {
            events: vec![event],
            ..Change::default()
        })
    };
    let following = |event: &NewEvent| {
        commit(NewEvent {
            follows_last: true,
            ..event.clone()
        })
    };
    for inspection in [own.id, InspectionId(scene.world.id())] {
        let earlier = scene.event(inspection, &[webhook]);
        let later = scene.event(inspection, &[webhook]);
        let stored = following(&later).unwrap();
        assert_eq!(refused(following(&earlier)), StoreError::Conflict);
        // Whoever does not ask for it gets the next number.
        let next: Vec<u32> = stored.sequences.iter().map(|last| last + 1).collect();
        assert_eq!(commit(earlier).unwrap().sequences, next);
        following(&scene.event(inspection, &[webhook])).unwrap();
    }
}

pub fn sequences_have_no_gaps_under_concurrent_commits(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let own = scene.add_inspection("AB123").id;
    let foreign = InspectionId(scene.world.id());
    let numbers = std::thread::scope(|threads| {
        let publish = || {
            let mut numbers = Vec::new();
            for _ in 0..20 {
                let events = vec![scene.event(own, &[]), scene.event(foreign, &[])];
                numbers.extend(
                    scene
                        .commit(Change {
                            events,
                            ..Change::default()
                        })
                        .unwrap()
                        .sequences,
                );
            }
            numbers
        };
        let threads: Vec<_> = (0..6).map(|_| threads.spawn(publish)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    for offset in 0..2 {
        let mut of_one: Vec<u32> = numbers.iter().copied().skip(offset).step_by(2).collect();
        of_one.sort_unstable();
        assert_eq!(of_one, (1..=120).collect::<Vec<_>>());
    }
}

pub fn what_was_answered_survives_a_new_start(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let inspection = scene.add_inspection("AB123");
    let webhook = scene.add_webhook();
    let event = scene.publish_about(inspection.id, webhook);
    let answer = scene.answer("kept");
    scene
        .commit(Change {
            answer: Some(answer.clone()),
            ..Change::default()
        })
        .unwrap();

    let (scene, epoch) = scene.crash();
    let read = block_on(scene.store.inspection(inspection.id))
        .unwrap()
        .expect("the inspection");
    assert_eq!(
        read,
        Inspection {
            version: 2,
            event_count: 1,
            ..inspection
        }
    );
    let record = block_on(scene.store.event(scene.company, event.id))
        .unwrap()
        .expect("the event");
    assert_eq!((record.body, record.sequence), (event.body.clone(), 1));
    assert_eq!(
        block_on(scene.store.answer(&answer.key, scene.now())).unwrap(),
        Some(answer)
    );
    let claimed = scene.claim(webhook, epoch);
    assert_eq!(claimed.leased[0].body, event.body);
}

pub fn a_closed_store_says_so(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    block_on(scene.store.close()).unwrap();
    assert_eq!(refused(scene.commit(Change::default())), StoreError::Closed);
    assert_eq!(
        refused(block_on(scene.store.has_companies())),
        StoreError::Closed
    );
    assert_eq!(refused(block_on(scene.store.check())), StoreError::Closed);
    block_on(scene.store.close()).unwrap();
}

pub fn the_check_writes_and_reads(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    block_on(scene.store.check()).unwrap();
    block_on(scene.store.check()).unwrap();
}
