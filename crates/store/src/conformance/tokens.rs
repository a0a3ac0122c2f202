//! Tokens: spent once, and only while they are valid.

use std::sync::Barrier;

use heraldo_domain::account::{KeyHash, Role};
use heraldo_domain::change::{Change, Write};
use heraldo_domain::photo::Coordinates;
use heraldo_domain::store::StoreError;
use heraldo_domain::token::{Purpose, Token};
use heraldo_wire::api::OauthScope;
use heraldo_wire::id::{CompanyId, InspectionId, InvitationId, OauthAppId, ProductId};
use heraldo_wire::time::Timestamp;

use super::scene::{Scene, refused};
use super::{Harness, block_on};

/// How long the tokens of the suite are valid.
const TOKEN_LIFETIME_MS: i64 = 1_000;

fn token(scene: &Scene<'_>, text: &str, purpose: Purpose) -> Token {
    Token {
        hash: KeyHash::of(text),
        company_id: scene.company,
        expires_at: Timestamp::from_millis(scene.now().as_millis() + TOKEN_LIFETIME_MS),
        purpose,
    }
}

fn sign_in(scene: &Scene<'_>, text: &str) -> Token {
    let user_id = scene.user;
    token(scene, text, Purpose::SignIn { user_id })
}

fn add(scene: &Scene<'_>, text: &str) -> Token {
    let token = sign_in(scene, text);
    scene.write(Write::CreateToken(token.clone())).unwrap();
    token
}

fn read(scene: &Scene<'_>, hash: KeyHash) -> Option<Token> {
    block_on(scene.store.token(hash, scene.now())).unwrap()
}

fn spend(scene: &Scene<'_>, hash: KeyHash) -> Result<(), StoreError> {
    let now = scene.now();
    scene.write(Write::SpendToken { hash, now }).map(drop)
}

pub fn a_token_of_any_purpose_is_read_back(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let user_id = scene.user;
    let app_id = OauthAppId(scene.world.id());
    let scopes = vec![OauthScope::Inspections, OauthScope::Account];
    let refresh = KeyHash::of("refresh");
    let purposes = [
        Purpose::SignIn { user_id },
        Purpose::Session {
            user_id,
            role: Some(Role::Admin),
        },
        Purpose::Invitation {
            invitation_id: InvitationId(scene.world.id()),
        },
        Purpose::Image {
            inspection_id: InspectionId(scene.world.id()),
            product_id: ProductId(scene.world.id()),
            side: "front".to_owned(),
            coordinates: Coordinates::new(-34.6, -58.4),
            date: Some(scene.now()),
        },
        Purpose::OauthCode {
            app_id,
            user_id,
            scopes: scopes.clone(),
            challenge: Some("abc".to_owned()),
        },
        Purpose::OauthSpentCode { refresh },
        Purpose::OauthAccess {
            app_id,
            user_id,
            scopes: scopes.clone(),
            refresh,
        },
        Purpose::OauthRefresh {
            app_id,
            user_id,
            scopes,
        },
    ];
    let tokens: Vec<Token> = (0..)
        .zip(purposes)
        .map(|(number, purpose): (u32, _)| token(&scene, &number.to_string(), purpose))
        .collect();
    let writes = tokens.iter().cloned().map(Write::CreateToken).collect();
    scene
        .commit(Change {
            writes,
            ..Change::default()
        })
        .unwrap();
    for token in &tokens {
        assert_eq!(read(&scene, token.hash).as_ref(), Some(token));
    }
    assert_eq!(read(&scene, KeyHash::of("another")), None);

    let again = scene.write(Write::CreateToken(tokens[0].clone()));
    assert_eq!(refused(again), StoreError::Conflict);
    let of_nobody = Token {
        company_id: CompanyId(scene.world.id()),
        ..sign_in(&scene, "of nobody")
    };
    let of_nobody = scene.write(Write::CreateToken(of_nobody));
    assert_eq!(refused(of_nobody), StoreError::NotFound);
}

pub fn a_token_is_spent_once(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (first, second) = (add(&scene, "first"), add(&scene, "second"));
    // A change that fails spends nothing.
    let failing = Change {
        writes: vec![
            Write::SpendToken {
                hash: first.hash,
                now: scene.now(),
            },
            Write::UpdateWebhook(scene.webhook()),
        ],
        ..Change::default()
    };
    assert_eq!(refused(scene.commit(failing)), StoreError::NotFound);
    assert_eq!(read(&scene, first.hash), Some(first.clone()));

    assert_eq!(spend(&scene, first.hash), Ok(()));
    assert_eq!(read(&scene, first.hash), None);
    assert_eq!(spend(&scene, first.hash), Err(StoreError::NotFound));
    assert_eq!(read(&scene, second.hash), Some(second.clone()));
    let (scene, _) = scene.crash();
    assert_eq!(spend(&scene, first.hash), Err(StoreError::NotFound));
    assert_eq!(spend(&scene, second.hash), Ok(()));
}

pub fn of_many_who_spend_a_token_at_once_one_does(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    for round in 0..20 {
        let token = add(&scene, &round.to_string());
        let together = Barrier::new(4);
        let spent = std::thread::scope(|threads| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    threads.spawn(|| {
                        together.wait();
                        spend(&scene, token.hash)
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .filter(Result::is_ok)
                .count()
        });
        assert_eq!(spent, 1);
    }
}

pub fn an_expired_token_is_unknown(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let token = add(&scene, "token");
    scene.world.clock.step(TOKEN_LIFETIME_MS - 1);
    assert!(read(&scene, token.hash).is_some());
    scene.world.clock.step(1);
    assert_eq!(read(&scene, token.hash), None);
    assert_eq!(spend(&scene, token.hash), Err(StoreError::NotFound));
}

pub fn expired_tokens_are_forgotten_in_slices(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    for number in 0..5 {
        add(&scene, &number.to_string());
        let answer = (number < 2).then(|| scene.answer(&number.to_string()));
        scene
            .commit(Change {
                answer,
                ..Change::default()
            })
            .unwrap();
    }
    let forget = |limit| block_on(scene.store.forget_expired(scene.now(), limit)).unwrap();
    assert_eq!(forget(10), 0);
    scene.world.clock.step(TOKEN_LIFETIME_MS);
    let late = add(&scene, "late");
    // Answers and tokens: as many of each as were asked for, counted together.
    assert_eq!([forget(3), forget(3), forget(3)], [5, 2, 0]);
    assert_eq!(read(&scene, late.hash), Some(late));
    let again = sign_in(&scene, "0");
    scene.write(Write::CreateToken(again)).unwrap();
}
