//! What a user's token reads: the own inspections, those of the invited, and nothing of other companies.

use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::oauth::{app, read, text, token, user};
use crate::world::{World, id_in};

#[tokio::test]
async fn a_user_lists_the_own_inspections_and_those_of_the_invited() {
    let world = World::new().await;
    let app = app(&world).await;
    let ana = user(&world, "ana@example.com", None).await;
    let ben = user(&world, "ben@example.com", Some(ana.user_id)).await;
    let eva = user(&world, "eva@example.com", Some(ben.user_id)).await;
    world.create_inspection().await;
    let mut made = Vec::new();
    for (user, name) in [
        (&ana, "Bruno"),
        (&ben, "Carla"),
        (&eva, "Dora"),
        (&ana, "Emilio"),
    ] {
        let token = token(&world, &app, user.user_id, "inspections").await;
        let body = json!({"templateId": "easy", "access_token": token,
            "consumer": {"firstName": name, "identification": "30111222"}});
        let answer = world.post("/v1/inspection/car", &body).await.json(201);
        made.push(text(&answer["inspectionId"]));
        world.clock.step(1_000);
    }
    let token = token(&world, &app, ana.user_id, "inspections").await;
    let list = async |path: &str| {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path = format!(
            "/v1/inspection/{path}?membershipId={}&{query}",
            ana.membership_id
        );
        read(&world, &path, &token).await.json(200)
    };
    let ids = |list: &Value| -> Vec<String> {
        list["inspections"]
            .as_array()
            .unwrap()
            .iter()
            .map(id_in)
            .collect()
    };
    let me = list("me").await;
    assert_eq!(ids(&me), [made[3].clone(), made[0].clone()]);
    let all = list("all").await;
    assert_eq!(
        ids(&all),
        [made[3].clone(), made[1].clone(), made[0].clone()]
    );
    let row = &me["inspections"][1];
    let read_row = world
        .get(&format!("/v1/inspection/{}", made[0]))
        .await
        .json(200);
    assert_eq!(
        *row,
        json!({
            "_id": made[0], "id": made[0], "accessCode": read_row["accessCode"], "type": "car",
            "status": "created", "createdAt": read_row["createdAt"],
            "consumer": {"firstName": "Bruno", "lastName": "", "identification": "30111222"},
            "producer": {"companyId": world.company, "userId": ana.user_id,
                "user": {"_id": ana.user_id, "username": "ana"}},
        })
    );
    assert_eq!(
        all["pagination"],
        json!({"totalDocs": 3, "limit": 10, "page": 1, "totalPages": 1, "pagingCounter": 1,
            "hasPrevPage": false, "hasNextPage": false, "prevPage": null, "nextPage": null})
    );
    let second = list("all?page=2&limit=2").await;
    assert_eq!(ids(&second), [made[0].clone()]);
    assert_eq!(
        second["pagination"],
        json!({"totalDocs": 3, "limit": 2, "page": 2, "totalPages": 2, "pagingCounter": 3,
            "hasPrevPage": true, "hasNextPage": false, "prevPage": 1, "nextPage": null})
    );
    let nothing = list("me?status=blocked").await;
    assert_eq!(nothing["pagination"]["totalPages"], 1);
    for (query, expected) in [
        ("me?search=emi", vec![&made[3]]),
        (
            "me?status=created&veredict=not_defined",
            vec![&made[3], &made[0]],
        ),
        ("me?veredict=approved", vec![]),
        ("me?from=2026-11-18T09:46:42Z", vec![&made[3]]),
        ("me?to=2026-11-18T09:46:42.000Z", vec![&made[0]]),
        ("me?from=&status=", vec![&made[3], &made[0]]),
    ] {
        let found = ids(&list(query).await);
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
}

#[tokio::test]
async fn a_membership_must_be_named_and_the_users_own() {
    let world = World::new().await;
    let app = app(&world).await;
    let ana = user(&world, "ana@example.com", None).await;
    let ben = user(&world, "ben@example.com", Some(ana.user_id)).await;
    let token = token(&world, &app, ana.user_id, "inspections").await;
    for list in ["me", "all"] {
        for (query, code) in [
            (String::new(), ProblemCode::InvalidParameter),
            (
                "?membershipId=undefined".to_owned(),
                ProblemCode::InvalidParameter,
            ),
            ("?membershipId=".to_owned(), ProblemCode::InvalidParameter),
            (
                format!("?membershipId={}", ben.membership_id),
                ProblemCode::NotFound,
            ),
            (
                format!("?membershipId={}", ana.user_id),
                ProblemCode::NotFound,
            ),
            ("?membershipId=abc".to_owned(), ProblemCode::NotFound),
            (
                format!("?membershipId={}&page=0", ana.membership_id),
                ProblemCode::InvalidParameter,
            ),
        ] {
            let refused = read(&world, &format!("/v1/inspection/{list}{query}"), &token).await;
            refused.problem(code);
        }
    }
}

#[tokio::test]
async fn a_user_sees_nothing_of_another_company() {
    let world = World::new().await;
    let (app, user) = (
        app(&world).await,
        user(&world, "ana@example.com", None).await,
    );
    let token = token(&world, &app, user.user_id, "inspections").await;
    let other = world.other_key().await;
    let foreign = world.bare("POST", "/v1/inspection/car");
    let foreign = foreign
        .header("x-api-key", &other)
        .json(&json!({"templateId": "easy"}));
    let foreign = text(&foreign.send().await.json(201)["inspectionId"]);
    // The key that comes along does not help.
    let refused = world.bare("GET", &format!("/v1/inspection/{foreign}"));
    let refused = refused
        .header("x-api-key", &other)
        .header("authorization", &format!("Bearer {token}"));
    refused.send().await.problem(ProblemCode::NotFound);
}
