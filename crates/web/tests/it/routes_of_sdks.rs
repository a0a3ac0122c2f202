//! Every route that an official SDK calls (contract 1.2, E1 to E29): what it answers, and that it refuses in the
//! one form of errors.

use axum::body::Body;
use heraldo_wire::problem::ProblemCode;
use serde_json::{Value, json};

use crate::images::{form_of, photo, started};
use crate::oauth;
use crate::world::{Answer, World, id_in};

/// One call of an SDK.
struct Route {
    name: &'static str,
    method: &'static str,
    path: String,
    body: Sent,
    /// By a user's token, beside the key.
    as_user: bool,
    status: u16,
    /// The keys of the answer; of a list those of its first row.
    keys: &'static [&'static str],
}

#[derive(Clone)]
enum Sent {
    Nothing,
    Json(Value),
    Photo(Value),
}

const CREATED: &[&str] = &["message", "inspectionId", "magicLink", "productId"];
const CREATED_GOODS: &[&str] = &["message", "inspectionId", "magicLink", "productIds"];
const MESSAGE: &[&str] = &["message"];
const INSPECTION: &[&str] = &[
    "_id", "type", "status", "veredict", "testing", "template", "producer", "products", "identity",
    "custom", "metadata",
];
const TEMPLATE: &[&str] = &[
    "_id",
    "type",
    "inspectionType",
    "name",
    "images",
    "inputs",
    "features",
    "variables",
    "schema",
    "createdAt",
    "updatedAt",
    "lastSave",
];
const REPORT: &[&str] = &["_id", "inspectionId", "companyId", "status"];

/// A world in which each of the routes can succeed, and the routes in an order in which they do.
struct Scene {
    world: World,
    user_token: String,
    routes: Vec<Route>,
}

fn route(
    name: &'static str,
    method: &'static str,
    path: impl Into<String>,
    body: Sent,
    status: u16,
    keys: &'static [&'static str],
) -> Route {
    Route {
        name,
        method,
        path: path.into(),
        body,
        as_user: false,
        status,
        keys,
    }
}

impl Scene {
    async fn new() -> Self {
        use Sent::{Json, Nothing, Photo};
        let world = World::new().await;
        let app = oauth::app(&world).await;
        let user = oauth::user(&world, "ana@example.com", None).await;
        let user_token = oauth::token(&world, &app, user.user_id, "inspections,memberships").await;
        let code = oauth::code(&world, &app, user.user_id, "inspections").await;
        let exchange = oauth::exchange_body(&app, &code);
        let spare = oauth::code(&world, &app, user.user_id, "inspections").await;
        let tokens = oauth::exchange_body(&app, &spare);
        let tokens = world
            .post("/v1/account/oauth/exchange_code", &tokens)
            .await
            .json(200);
        let renew = json!({"refresh_token": tokens["refresh_token"], "client_app_id": app.id,
            "client_secret": app.secret.reveal()});
        let (car, product) = started(&world, "car", &json!({})).await;
        let (goods, good) = started(&world, "goods", &json!({"goods": [{"make": "A"}]})).await;
        let report = format!("/v1/inspection/{car}/report/request");
        let request = id_in(&world.post(&report, &json!({})).await.json(201));
        let template = id_in(
            &world
                .get("/v1/inspection/template?inspectionType=car")
                .await
                .json(200)[0],
        );
        let create = || {
            Json(json!({"templateId": "easy", "delivery": {"disabled": true}, "locale": "es_AR"}))
        };

        let webhook =
            json!({"events": ["image_processed"], "endpoint": "https://example.com/hook"});
        let mut routes = vec![route(
            "E1",
            "POST",
            "/v1/notification/webhook",
            Json(webhook),
            201,
            &["_id"],
        )];
        for (name, kind) in ["E2", "E3", "E4", "E5", "E7", "E8", "E9"].into_iter().zip([
            "car",
            "moto",
            "bike",
            "machinery",
            "people",
            "custom",
            "cellphone",
        ]) {
            routes.push(route(
                name,
                "POST",
                format!("/v1/inspection/{kind}"),
                create(),
                201,
                CREATED,
            ));
        }
        routes.push(route(
            "E6",
            "POST",
            "/v1/inspection/goods",
            create(),
            201,
            CREATED_GOODS,
        ));
        for kind in ["car", "moto", "bike", "machinery", "cellphone"] {
            let (_, product) = started(&world, kind, &json!({})).await;
            let path = format!("/v1/inspection/{kind}/{product}");
            let mut more = json!({});
            more[kind] = json!({"make": "Sur"});
            routes.push(route("E10", "PUT", path, Json(more), 200, MESSAGE));
        }
        let goods_path = format!("/v1/inspection/goods/{goods}");
        let good_path = format!("/v1/inspection/goods/{good}");
        let data = json!({"side": "front"});
        let mut user_lists = Vec::new();
        for list in ["me", "all"] {
            let path = format!("/v1/inspection/{list}?membershipId={}", user.membership_id);
            user_lists.push(route(
                "E29",
                "GET",
                path,
                Nothing,
                200,
                &["inspections", "pagination"],
            ));
        }
        let paged = &[
            "inspections",
            "totalInspections",
            "limit",
            "page",
            "totalPages",
            "pagingCounter",
            "hasPrevPage",
            "hasNextPage",
            "prevPage",
            "nextPage",
        ];
        routes.extend([
            route(
                "E11a",
                "POST",
                &goods_path,
                Json(json!({"goods": [{"make": "B"}]})),
                201,
                CREATED_GOODS,
            ),
            route(
                "E11b",
                "POST",
                &good_path,
                Json(json!({"good": {"price": "2"}})),
                200,
                CREATED_GOODS,
            ),
            route(
                "E12",
                "GET",
                format!("/v1/inspection/{car}"),
                Nothing,
                200,
                INSPECTION,
            ),
            route(
                "E13",
                "GET",
                "/v1/inspection?page=1&limit=5",
                Nothing,
                200,
                paged,
            ),
            route("E13", "GET", "/v1/inspection/?limit=5", Nothing, 200, paged),
            route(
                "E14",
                "PUT",
                format!("/v1/inspection/{car}"),
                Json(json!({"metadata": {"a": "b"}})),
                200,
                MESSAGE,
            ),
            route(
                "E16",
                "POST",
                format!("/v1/inspection/presign/detail/{car}"),
                Nothing,
                201,
                &["accessToken", "expiresAt", "url"],
            ),
            route("E17", "POST", &report, Nothing, 201, &["_id"]),
            route("E18", "GET", &report, Nothing, 200, &["reportRequests"]),
            route(
                "E19",
                "GET",
                format!("{report}/{request}"),
                Nothing,
                200,
                REPORT,
            ),
            route(
                "E20",
                "POST",
                format!("/v1/inspection/image/token/{product}"),
                Json(data.clone()),
                201,
                &["token"],
            ),
            route(
                "E21",
                "POST",
                format!("/v1/inspection/image/{product}"),
                Json(data.clone()),
                201,
                &["token"],
            ),
            route(
                "E21",
                "POST",
                format!("/v1/inspection/image/{product}"),
                Photo(data),
                201,
                MESSAGE,
            ),
            route(
                "E15",
                "POST",
                format!("/v1/inspection/finish/{car}"),
                Json(json!({})),
                200,
                MESSAGE,
            ),
            route(
                "E22",
                "GET",
                "/v1/inspection/template",
                Nothing,
                200,
                TEMPLATE,
            ),
            route(
                "E22",
                "GET",
                "/v1/inspection/template?inspectionType=moto&type=built-in",
                Nothing,
                200,
                TEMPLATE,
            ),
            route(
                "E23",
                "GET",
                "/v1/inspection/template/preview",
                Nothing,
                200,
                &["_id", "name", "images"],
            ),
            route(
                "E24",
                "GET",
                format!("/v1/inspection/template/{template}"),
                Nothing,
                200,
                TEMPLATE,
            ),
            route(
                "E25",
                "GET",
                "/v1/inspection/template/oauth/list/all",
                Nothing,
                200,
                TEMPLATE,
            ),
            route(
                "E26",
                "POST",
                "/v1/account/oauth/exchange_code",
                Json(exchange),
                200,
                &["access_token", "refresh_token", "expires_in"],
            ),
            route(
                "E27",
                "POST",
                "/v1/account/oauth/refresh_token",
                Json(renew),
                200,
                &["access_token", "expires_in"],
            ),
            route(
                "E28",
                "GET",
                "/v1/account/membership/authenticated",
                Nothing,
                200,
                &["_id", "role", "company"],
            ),
        ]);
        routes.extend(user_lists);
        for route in &mut routes {
            route.as_user = matches!(route.name, "E25" | "E28" | "E29");
        }
        Self {
            world,
            user_token,
            routes,
        }
    }

    async fn call(&self, route: &Route) -> Answer {
        let mut call = self.world.request(route.method, &route.path);
        if route.as_user {
            let bearer = format!("Bearer {}", self.user_token);
            call = call.header("authorization", &bearer);
        }
        match &route.body {
            Sent::Nothing => call,
            Sent::Json(body) => call.json(body),
            Sent::Photo(data) => {
                let (content_type, body) = form_of(&photo(1), data);
                call.header("content-type", &content_type)
                    .body(Body::from(body))
            }
        }
        .send()
        .await
    }
}

#[tokio::test]
async fn every_route_of_the_sdks_answers_with_what_they_are_typed_to_read() {
    let scene = Scene::new().await;
    let mut seen = std::collections::BTreeSet::new();
    for route in &scene.routes {
        let answer = scene.call(route).await;
        let place = format!("{} {} {}", route.name, route.method, route.path);
        assert_eq!(
            answer.status.as_u16(),
            route.status,
            "{place}: {}",
            answer.text()
        );
        let answer = answer.json(route.status);
        let row = answer.get(0).unwrap_or(&answer);
        for key in route.keys {
            assert!(row.get(key).is_some(), "{place}: `{key}` is missing: {row}");
        }
        seen.insert(route.name.trim_end_matches(['a', 'b']));
    }
    assert_eq!(seen.len(), 29, "{seen:?}");
}

#[tokio::test]
async fn every_route_of_the_sdks_refuses_in_the_one_form() {
    let scene = Scene::new().await;
    let world = &scene.world;
    for (number, route) in scene.routes.iter().enumerate() {
        // Each from an address of its own: wrong keys are limited for one address.
        let address = format!("10.0.0.{number}");
        // Applications say who they are in the body.
        let is_open = matches!(route.name, "E26" | "E27");
        let bare = world.bare(route.method, &route.path).send().await;
        bare.problem(match is_open {
            true => ProblemCode::InvalidBody,
            false => ProblemCode::MissingCredentials,
        });
        let wrong = world.bare(route.method, &route.path).from(&address);
        let wrong = match route.as_user {
            true => wrong.header("authorization", "Bearer wrong"),
            false => wrong.header("x-api-key", "hk_live_wrong"),
        };
        let wrong = wrong.send().await;
        if !is_open {
            wrong.problem(ProblemCode::InvalidCredentials);
        }
        if let Sent::Json(_) = route.body {
            let call = world.request(route.method, &route.path);
            let call = call
                .header("content-type", "application/json")
                .body("{\"a\":");
            call.send().await.problem(ProblemCode::InvalidJson);
        }
        let last = route.path.rsplit('/').next().unwrap();
        if last.len() == 24 && route.name != "E19" {
            // No such thing, another company's and no id at all are the same.
            for id in ["651ae032ff786d198dfa4ce4", "undefined"] {
                let path = route.path.replace(last, id);
                let lost = Route {
                    path,
                    body: route.body.clone(),
                    ..*route
                };
                scene.call(&lost).await.problem(ProblemCode::NotFound);
            }
        }
    }
}
