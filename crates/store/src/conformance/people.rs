//! People: members as they were read, passwords, sessions that end, uses of keys.

use heraldo_domain::account::{ApiKey, Company, KeyHash, Member, Role};
use heraldo_domain::change::{Change, Write};
use heraldo_domain::password::{Login, PasswordHash};
use heraldo_domain::store::StoreError;
use heraldo_domain::token::{Purpose, Token};
use heraldo_wire::id::{ApiKeyId, CompanyId, UserId};
use heraldo_wire::time::Timestamp;

use super::scene::{Scene, first_page, refused};
use super::{Harness, block_on};

fn add_member(scene: &Scene<'_>, company: CompanyId, role: Role, email: &str) -> Member {
    let member = Member {
        email: email.to_owned(),
        ..scene.member(company, UserId(scene.world.id()), role)
    };
    scene.write(Write::CreateMember(member.clone())).unwrap();
    member
}

fn stored(scene: &Scene<'_>, user: UserId) -> Option<Member> {
    let view = block_on(scene.store.company(scene.company)).unwrap();
    view.unwrap().member(user).cloned()
}

fn set_password(
    scene: &Scene<'_>,
    user_id: UserId,
    was: Option<&str>,
    now: Option<&str>,
) -> Result<(), StoreError> {
    let hash = |text: Option<&str>| text.map(|text| PasswordHash(text.to_owned()));
    let (was, now) = (hash(was), hash(now));
    let write = Write::SetPassword { user_id, was, now };
    scene.write(write).map(drop)
}

fn password(scene: &Scene<'_>, user: UserId) -> Option<String> {
    let found = block_on(scene.store.password(user)).unwrap();
    found.map(|PasswordHash(hash)| hash)
}

pub fn a_member_is_changed_only_as_it_was_read(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let was = add_member(&scene, scene.company, Role::Producer, "eva@example.com");
    let now = Member {
        role: Role::Admin,
        email: "Eva.Luz@example.com".to_owned(),
        ..was.clone()
    };
    assert_eq!(stored(&scene, was.user_id).as_ref(), Some(&was));
    let update = |was: &Member, now: &Member| {
        let (was, now) = (was.clone(), now.clone());
        scene.write(Write::UpdateMember { was, now })
    };
    update(&was, &now).unwrap();
    assert_eq!(stored(&scene, was.user_id).as_ref(), Some(&now));
    assert_eq!(refused(update(&was, &now)), StoreError::Conflict);
    let nobody = scene.member(scene.company, UserId(scene.world.id()), Role::Admin);
    assert_eq!(refused(update(&nobody, &nobody)), StoreError::NotFound);
    let found = |email| block_on(scene.store.logins(email, 9)).unwrap().len();
    assert_eq!(
        (found("eva@example.com"), found("eva.luz@example.com")),
        (0, 1)
    );

    // A company, too.
    let view = block_on(scene.store.company(scene.company)).unwrap();
    let was = view.unwrap().company.clone();
    let now = Company {
        owner: nobody.user_id,
        ..was.clone()
    };
    let update = Write::UpdateCompany {
        was,
        now: now.clone(),
    };
    scene.write(update.clone()).unwrap();
    let view = block_on(scene.store.company(scene.company)).unwrap();
    assert_eq!(view.unwrap().company, now);
    assert_eq!(refused(scene.write(update)), StoreError::Conflict);
}

pub fn of_two_who_leave_only_while_the_other_stays_one_stays(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let [first, second] = ["a@example.com", "b@example.com"]
        .map(|email| add_member(&scene, scene.company, Role::Owner, email));
    let leave = |member: &Member, other: &Member| {
        scene.commit(Change {
            writes: vec![
                Write::ExpectMember(other.clone()),
                Write::DeleteMember(member.clone()),
            ],
            ..Change::default()
        })
    };
    leave(&first, &second).unwrap();
    assert_eq!(refused(leave(&second, &first)), StoreError::NotFound);
    assert_eq!(stored(&scene, first.user_id), None);
    assert_eq!(stored(&scene, second.user_id), Some(second.clone()));
    let changed = Member {
        role: Role::Producer,
        ..second.clone()
    };
    let third = add_member(&scene, scene.company, Role::Owner, "c@example.com");
    let (was, now) = (second.clone(), changed);
    scene.write(Write::UpdateMember { was, now }).unwrap();
    assert_eq!(refused(leave(&third, &second)), StoreError::Conflict);
}

pub fn a_password_is_replaced_only_as_it_was_read(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let user = scene.user;
    assert_eq!(password(&scene, user), None);
    set_password(&scene, user, None, Some("one")).unwrap();
    let late = set_password(&scene, user, None, Some("two"));
    assert_eq!(refused(late), StoreError::Conflict);
    set_password(&scene, user, Some("one"), Some("two")).unwrap();
    let (scene, _) = scene.crash();
    assert_eq!(password(&scene, user).as_deref(), Some("two"));
    // Writing what is there says that it is there.
    set_password(&scene, user, Some("two"), Some("two")).unwrap();
    let late = set_password(&scene, user, Some("one"), Some("one"));
    assert_eq!(refused(late), StoreError::Conflict);
    set_password(&scene, user, Some("two"), None).unwrap();
    assert_eq!(password(&scene, user), None);
}

pub fn a_password_goes_with_the_last_place_of_its_user(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (other, _) = scene.add_company();
    let here = add_member(&scene, scene.company, Role::Admin, "eva@example.com");
    let there = scene.member(other, here.user_id, Role::Producer);
    scene.write(Write::CreateMember(there.clone())).unwrap();
    set_password(&scene, here.user_id, None, Some("hash")).unwrap();
    scene.write(Write::DeleteMember(here.clone())).unwrap();
    assert_eq!(password(&scene, here.user_id).as_deref(), Some("hash"));
    scene.write(Write::DeleteMember(there)).unwrap();
    assert_eq!(password(&scene, here.user_id), None);
    let again = scene.write(Write::DeleteMember(here));
    assert_eq!(refused(again), StoreError::NotFound);
}

pub fn people_are_found_by_their_address_in_every_company(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (other, _) = scene.add_company();
    let first = add_member(&scene, other, Role::Admin, "Eva@Example.com");
    let second = add_member(&scene, scene.company, Role::Producer, " eva@example.COM");
    let nameless = add_member(&scene, scene.company, Role::Producer, "");
    set_password(&scene, second.user_id, None, Some("hash")).unwrap();
    set_password(&scene, nameless.user_id, None, Some("other")).unwrap();
    let login = |member: &Member, hash: Option<&str>| Login {
        member: member.clone(),
        password: hash.map(|hash| PasswordHash(hash.to_owned())),
    };
    let expected = [login(&first, None), login(&second, Some("hash"))];
    for asked in ["eva@example.com", "EVA@EXAMPLE.COM "] {
        let found = block_on(scene.store.logins(asked, 9)).unwrap();
        assert_eq!(found, expected, "{asked}");
    }
    let found = block_on(scene.store.logins("eva@example.com", 1)).unwrap();
    assert_eq!(found, expected[..1]);
    for asked in ["", "ev@example.com", "eva@example.co_"] {
        assert_eq!(
            block_on(scene.store.logins(asked, 9)).unwrap(),
            [],
            "{asked}"
        );
    }
}

pub fn the_sessions_of_a_user_end_at_once(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let (other, _) = scene.add_company();
    let (user_id, another) = (scene.user, UserId(scene.world.id()));
    let add = |text: &str, company_id, purpose| {
        let token = Token {
            hash: KeyHash::of(text),
            company_id,
            expires_at: Timestamp::from_millis(scene.now().as_millis() + 1_000),
            purpose,
        };
        scene.write(Write::CreateToken(token)).unwrap();
    };
    let session = |user_id| Purpose::Session {
        user_id,
        role: None,
    };
    let here = scene.company;
    add("a session", here, session(user_id));
    add("a link", here, Purpose::SignIn { user_id });
    add("a session elsewhere", other, session(user_id));
    add("anothers session", here, session(another));
    let refresh = KeyHash::of("refresh");
    add("a spent code", here, Purpose::OauthSpentCode { refresh });
    let left = || {
        let all = [
            "a session",
            "a link",
            "a session elsewhere",
            "anothers session",
            "a spent code",
        ];
        let mut left = all.to_vec();
        left.retain(|text| {
            let found = block_on(scene.store.token(KeyHash::of(text), scene.now()));
            found.unwrap().is_some()
        });
        left
    };
    let end = |company_id| {
        let write = Write::EndSessions {
            user_id,
            company_id,
        };
        scene.write(write).unwrap();
    };
    assert_eq!(left().len(), 5);
    end(Some(here));
    let elsewhere = ["a session elsewhere", "anothers session", "a spent code"];
    assert_eq!(left(), elsewhere);
    end(None);
    assert_eq!(left(), elsewhere[1..]);
    end(None);
}

pub fn the_latest_use_of_a_key_is_kept(harness: &dyn Harness) {
    let (scene, _) = Scene::new(harness);
    let key = scene.api_key("hk_live_0001");
    scene.write(Write::CreateApiKey(key.clone())).unwrap();
    let at = |ms| Timestamp::from_millis(scene.now().as_millis() + ms);
    let uses = [5, 9, 7].map(|ms| Write::NoteKeyUse {
        id: key.id,
        at: at(ms),
    });
    let unknown = Write::NoteKeyUse {
        id: ApiKeyId(scene.world.id()),
        at: at(1),
    };
    let change = Change {
        writes: uses.into_iter().chain([unknown]).collect(),
        ..Change::default()
    };
    scene.commit(change).unwrap();
    let expected = ApiKey {
        last_used_at: Some(at(9)),
        ..key
    };
    let listed = block_on(scene.store.api_keys(scene.company, first_page())).unwrap();
    assert_eq!(listed, [expected]);
}
