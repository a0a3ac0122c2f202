//! The engine in memory.

use std::sync::{Arc, Mutex};

use heraldo_domain::store::{Store, StoreError};
use heraldo_store::MemoryStore;
use heraldo_store::conformance::scene::Scene;
use heraldo_store::conformance::{Harness, World, block_on};

/// Keeps the stores by their concrete type, because a crash is one's own business.
#[derive(Default)]
struct Memory(Mutex<Vec<Arc<MemoryStore>>>);

impl Harness for Memory {
    fn open(&self, world: &World) -> Arc<dyn Store> {
        let store = Arc::new(MemoryStore::new(
            world.hand_over.clone(),
            world.clock.clone(),
        ));
        self.0.lock().unwrap().push(Arc::clone(&store));
        store
    }

    fn reopen(&self, store: Arc<dyn Store>, world: &World) -> Arc<dyn Store> {
        drop(store);
        let mut stores = self.0.lock().unwrap();
        let store = Arc::new(stores.last().unwrap().reopen(world.hand_over.clone()));
        stores.push(Arc::clone(&store));
        store
    }
}

mod conformance {
    use super::*;

    heraldo_store::conformance_tests!(Memory::default());
}

#[test]
fn a_fault_fails_a_write_and_leaves_nothing() {
    let harness = Memory::default();
    let (scene, _) = Scene::new(&harness);
    let webhook = scene.add_webhook();
    scene.world.hand_over.set_room(1);
    harness
        .0
        .lock()
        .unwrap()
        .last()
        .unwrap()
        .fail_next(1, &StoreError::Full);
    let event = scene.event(heraldo_wire::id::InspectionId(scene.world.id()), &[webhook]);
    let change = heraldo_domain::change::Change {
        events: vec![event],
        ..Default::default()
    };
    assert_eq!(scene.commit(change.clone()), Err(StoreError::Full));
    assert_eq!(scene.world.hand_over.outstanding(), 0);
    assert_eq!(block_on(scene.store.waiting()).unwrap(), []);
    assert_eq!(scene.commit(change).unwrap().sequences, [1]);
    assert_eq!(scene.world.hand_over.all().len(), 1);
}
