//! The API description: made from the annotations of the handlers, served at `/openapi.json`, and
//! committed as `docs/openapi.json`.

use heraldo_wire::api::{OauthScope, Scope};
use heraldo_wire::headers::API_KEY;
use heraldo_wire::object::InspectionType;
use heraldo_wire::problem::{Problem, ProblemCode};
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, License, OpenApi, Ref, RefOr, Response,
    ResponseBuilder,
};
use utoipa::{OpenApi as _, PartialSchema as _, ToSchema as _};

use crate::api::inspection;
use crate::routes::{Described, served_at};

/// The description of every route of the server.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut described = Described::openapi();
    described.info = InfoBuilder::new()
        .title("Heraldo")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(INTRODUCTION))
        .license(Some(License::new("Apache-2.0 OR MIT")))
        .build();
    split_by_type(&mut described);
    for item in described.paths.paths.values_mut() {
        for operation in operations(item) {
            let tags = operation.tags.iter().flatten();
            let refusal = match tags.clone().any(|tag| tag == PAGES) {
                true => PAGE,
                false => PROBLEM,
            };
            let refusal = RefOr::Ref(Ref::from_response_name(refusal));
            let responses = &mut operation.responses.responses;
            responses.insert("default".to_owned(), refusal);
        }
    }
    let mut schemas = vec![("Problem".to_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    let mut components: ComponentsBuilder = described.components.take().unwrap_or_default().into();
    for (name, schema) in schemas {
        components = components.schema(name, schema);
    }
    components = components
        .response(PROBLEM, problem_response())
        .response(PAGE, page_response())
        .security_scheme(
            "apiKey",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
                API_KEY,
                &key_text(),
            ))),
        )
        .security_scheme(
            "accessToken",
            SecurityScheme::Http(
                HttpBuilder::new()
                    .scheme(HttpAuthScheme::Bearer)
                    .description(Some(token_text()))
                    .build(),
            ),
        );
    described.components = Some(components.build());
    described
}

/// [`openapi()`] as text: pretty, with a newline at the end, the same for the same code.
#[must_use]
pub fn openapi_json() -> String {
    // The description is plain data with text keys, which always serialises.
    let mut text = openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

const PROBLEM: &str = "Problem";
const PAGE: &str = "Page";
/// The tag of what people open in a browser.
const PAGES: &str = "pages";

const INTRODUCTION: &str = "Inspections and the webhooks that tell of them. Ids are 24 hex digits; instants \
are ISO 8601 in UTC with milliseconds. Unknown keys of a body are ignored, empty bodies count as `{}`. Every \
error is a JSON object `{code, status, detail, message}` whose `code` comes from a closed list. Creating and \
publishing take an `Idempotency-Key`: for 24 hours the same key with the same body gets the same answer, \
marked by the header `idempotency-replayed: true`, and with another body a 409.";

/// One path for each type of inspection, so that none of them is taken for an id.
fn split_by_type(described: &mut OpenApi) {
    let mut place = 0;
    for (documented, types) in [
        (inspection::CREATE, InspectionType::ALL),
        (inspection::UPDATE_PRODUCT, &inspection::UPDATABLE),
    ] {
        let Some(whole) = described.paths.paths.shift_remove(documented) else {
            continue;
        };
        for (kind, path) in types.iter().zip(served_at(documented)) {
            let mut item = whole.clone();
            for operation in operations(&mut item) {
                let id = operation.operation_id.take().unwrap_or_default();
                operation.operation_id = Some(format!("{id}_{kind}"));
                let summary = operation.summary.take().unwrap_or_default();
                operation.summary = Some(format!("{summary}: {kind}"));
            }
            described.paths.paths.shift_insert(place, path, item);
            place += 1;
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .filter_map(Option::as_mut)
}

fn problem_response() -> Response {
    let mut text =
        "What went wrong. The codes:\n\n| code | status | meaning |\n|---|---|---|\n".to_owned();
    for code in ProblemCode::ALL {
        text.push_str(&format!(
            "| `{code}` | {} | {} |\n",
            code.status(),
            code.meaning()
        ));
    }
    let schema = Ref::from_schema_name("Problem");
    ResponseBuilder::new()
        .description(text)
        .content(
            "application/json",
            ContentBuilder::new().schema(Some(schema)).build(),
        )
        .build()
}

fn page_response() -> Response {
    let json = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem")));
    ResponseBuilder::new()
        .description(
            "A page that says to the person what went wrong. What is wrong before there is a page, such as too \
             large a head, is said as a problem.",
        )
        .content(
            "text/html",
            ContentBuilder::new().schema(Some(String::schema())).build(),
        )
        .content("application/json", json.build())
        .build()
}

fn key_text() -> String {
    let scopes: Vec<_> = Scope::ALL
        .iter()
        .map(|scope| format!("`{scope}`"))
        .collect();
    format!(
        "An API key. What it may do is said by its scopes: {}. `admin` implies the others.",
        scopes.join(", ")
    )
}

fn token_text() -> String {
    let scopes: Vec<_> = OauthScope::ALL
        .iter()
        .map(|scope| format!("`{scope}`"))
        .collect();
    format!(
        "A user's OAuth access token. What it may do is said by the scopes that the user gave: {}. It wins over \
         an API key sent beside it.",
        scopes.join(", ")
    )
}
