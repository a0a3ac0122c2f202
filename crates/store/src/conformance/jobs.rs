//! Jobs and fingerprints: what is done after a commit, and what it is compared with.

use heraldo_domain::change::{Change, Write};
use heraldo_domain::job::{Job, Task};
use heraldo_domain::photo::Fingerprint;
use heraldo_domain::store::StoreError;
use heraldo_wire::id::{CompanyId, ImageId, InspectionId, JobId, ReportId};
use heraldo_wire::time::Timestamp;

use super::scene::{Scene, refused};
use super::{Harness, block_on};

fn job(scene: &Scene<'_>, due_in_ms: i64) -> Job {
    Job {
        id: JobId(scene.world.id()),
        company_id: scene.company,
        task: Task::RenderReport {
            report_id: ReportId(scene.world.id()),
        },
        due_at: Timestamp::from_millis(scene.now().as_millis() + due_in_ms),
        failures: 0,
        created_at: scene.now(),
    }
}

fn jobs(scene: &Scene<'_>, limit: u32) -> Vec<Job> {
    block_on(scene.store.jobs(None, limit)).unwrap()
}

pub fn jobs_are_listed_in_the_order_in_which_they_come_due(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let made = [300, 100, 0, 100].map(|due_in_ms| job(&scene, due_in_ms));
    let writes = made.iter().cloned().map(Write::CreateJob).collect();
    scene
        .commit(Change {
            writes,
            ..Change::default()
        })
        .unwrap();
    let in_order = [2, 1, 3, 0].map(|number: usize| made[number].clone());
    assert_eq!(jobs(&scene, 9), in_order);
    assert_eq!(jobs(&scene, 2), in_order[..2]);
    for number in 0..4 {
        let after = Some(in_order[number].due());
        let later = block_on(scene.store.jobs(after, 9)).unwrap();
        assert_eq!(later, in_order[number + 1..]);
    }
    let again = scene.write(Write::CreateJob(made[0].clone()));
    assert_eq!(refused(again), StoreError::Conflict);

    // A try that failed plans the next one.
    let later = Job {
        due_at: Timestamp::from_millis(scene.now().as_millis() + 200),
        failures: 1,
        ..made[2].clone()
    };
    scene.write(Write::UpdateJob(later.clone())).unwrap();
    let (scene, _) = scene.crash();
    let in_order = [&made[1], &made[3], &later, &made[0]].map(Job::clone);
    assert_eq!(jobs(&scene, 9), in_order);
}

pub fn a_job_ends_once(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (job, other) = (job(&scene, 0), job(&scene, 0));
    for job in [&job, &other] {
        scene.write(Write::CreateJob(job.clone())).unwrap();
    }
    // With its result, or not at all.
    let with_result = |result| Change {
        writes: vec![result, Write::EndJob(job.id)],
        ..Change::default()
    };
    let inspection = scene.inspection("AB123");
    let stale = Write::UpdateInspection(Box::new(inspection.clone()));
    assert_eq!(
        refused(scene.commit(with_result(stale))),
        StoreError::NotFound
    );
    assert_eq!(jobs(&scene, 9), [job.clone(), other.clone()]);

    let result = Write::CreateInspection(Box::new(inspection));
    scene.commit(with_result(result)).unwrap();
    assert_eq!(jobs(&scene, 9), std::slice::from_ref(&other));
    let late = scene.inspection("ZZ999");
    let result = Write::CreateInspection(Box::new(late.clone()));
    assert_eq!(
        refused(scene.commit(with_result(result))),
        StoreError::NotFound
    );
    assert_eq!(block_on(scene.store.inspection(late.id)).unwrap(), None);
    assert_eq!(
        refused(scene.write(Write::UpdateJob(job))),
        StoreError::NotFound
    );
    assert_eq!(jobs(&scene, 9), [other]);
}

fn fingerprint(scene: &Scene<'_>, company_id: CompanyId, bits: u64) -> Fingerprint {
    let fingerprint = Fingerprint {
        company_id,
        inspection_id: InspectionId(scene.world.id()),
        image_id: ImageId(scene.world.id()),
        bits,
    };
    scene.write(Write::CreateFingerprint(fingerprint)).unwrap();
    fingerprint
}

pub fn similar_photos_of_the_company_are_found(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let bits = 0x8123_4567_89ab_cdef_u64;
    let flipped = |places: &[u32]| places.iter().fold(bits, |bits, place| bits ^ (1 << place));
    let near = [
        flipped(&[]),
        flipped(&[0]),
        flipped(&[15, 16]),
        flipped(&[1, 20, 63]),
        flipped(&[61, 62, 63]),
    ]
    .map(|bits| fingerprint(&scene, scene.company, bits));
    for far in [flipped(&[0, 1, 2, 3]), flipped(&[0, 16, 32, 48]), !bits] {
        fingerprint(&scene, scene.company, far);
    }
    let (stranger, _) = scene.add_company();
    let anothers = fingerprint(&scene, stranger, bits);

    let similar =
        |company, limit| block_on(scene.store.similar_photos(company, bits, limit)).unwrap();
    assert_eq!(similar(scene.company, 9), near);
    assert_eq!(similar(scene.company, 2), near[..2]);
    assert_eq!(similar(stranger, 9), [anothers]);
    let of_zero = block_on(scene.store.similar_photos(scene.company, 0, 9)).unwrap();
    assert_eq!(of_zero, []);
    let again = scene.write(Write::CreateFingerprint(near[0]));
    assert_eq!(refused(again), StoreError::Conflict);
}
