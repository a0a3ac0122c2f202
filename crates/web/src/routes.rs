//! Every route, once: the router and the API description are both made from this list.

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{MethodFilter, MethodRouter, any, on};
use heraldo_wire::id::InspectionId;
use heraldo_wire::object::InspectionType;
use http::header::ALLOW;
use http::{HeaderValue, Method};
use utoipa::openapi::HttpMethod;

use crate::Web;
use crate::api::{
    self, delivery, event, file, health, image, inspection, key, membership, oauth, recovery,
    report, statistics, template, webhook,
};
use crate::call::{Call, bounded};
use crate::pages::{self, asset, visit};
use crate::problem::{Failure, no_method, no_route};
use crate::{connect, dashboard, sign_in};

/// One documented route.
struct Route {
    path: String,
    method: HttpMethod,
    handler: MethodRouter<Web>,
}

/// Writes the list of handlers out twice. Each handler is a function `handle` in a module of its own.
macro_rules! routes {
    ($($resource:ident::$verb:ident,)+) => {
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($resource::$verb::handle,)+))]
        pub struct Described;

        fn table() -> Vec<Route> {
            let mut routes = Vec::new();
            $({
                type Path = $resource::$verb::__path_handle;
                let path = <Path as utoipa::Path>::path();
                for method in <Path as utoipa::Path>::methods() {
                    let handler = on(
                        filter(&method),
                        |State(web): State<Web>, request: Request| async move {
                            let route = concat!(stringify!($resource), "::", stringify!($verb));
                            let mut call = Call::new(web, route, request);
                            let outcome = match call.check_headers() {
                                Ok(()) => {
                                    bounded(call.time_limit(), $resource::$verb::handle(&mut call)).await
                                }
                                Err(failure) => Err(failure),
                            };
                            call.finish(outcome).await
                        },
                    );
                    routes.push(Route { path: path.clone(), method, handler });
                }
            })+
            routes
        }
    };
}

routes! {
    inspection::create,
    inspection::list,
    inspection::retrieve,
    inspection::update,
    inspection::update_product,
    inspection::goods,
    inspection::finish,
    inspection::access,
    inspection::review,
    inspection::children,
    report::presign,
    report::request,
    report::list,
    report::retrieve,
    inspection::me,
    inspection::all,
    template::list,
    template::preview,
    template::retrieve,
    template::create,
    template::replace,
    template::list_with_oauth,
    image::token,
    image::upload,
    image::result,
    file::retrieve,
    webhook::create,
    webhook::list,
    webhook::retrieve,
    webhook::update,
    webhook::delete,
    webhook::secret,
    webhook::public_key,
    webhook::rotate,
    webhook::test,
    event::publish,
    event::list,
    event::retrieve,
    event::explain,
    delivery::list,
    delivery::retrieve,
    delivery::resend,
    statistics::read,
    delivery::stream,
    recovery::begin,
    recovery::list,
    recovery::retrieve,
    recovery::cancel,
    key::create,
    key::list,
    key::revoke,
    oauth::exchange_code,
    oauth::refresh_token,
    membership::authenticated,
    health::live,
    health::ready,
    api::metrics,
    api::description,
    visit::show,
    visit::enter,
    visit::photo,
    visit::answer,
    visit::finish,
    asset::retrieve,
    pages::detail,
    sign_in::open,
    sign_in::enter,
    connect::ask,
    connect::authorise,
}

/// The router over `web`, without anything that needs a socket.
pub fn router(web: &Web) -> Router {
    let mut router = Router::new();
    let routes = table();
    let allow = allow(&routes, inspection::ONE);
    for Route { path, handler, .. } in routes {
        for path in served_at(&path) {
            router = router.route(&path, handler.clone());
        }
    }
    // Whoever answers all other methods of a path says himself which it has.
    router = router.route(
        inspection::ONE,
        any(move |State(web): State<Web>, request: Request| {
            unknown_type_or_method(web, allow, request)
        }),
    );
    dashboard::add(router)
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .with_state(web.clone())
}

/// Every method of every path that the router serves: what is sent to all of them is sent to those that come later too.
#[must_use]
pub fn every_route() -> Vec<(Method, String)> {
    let described = table().into_iter().flat_map(|route| {
        let method = method(&route.method);
        let paths = served_at(&route.path).into_iter();
        paths.map(move |path| (method.clone(), path))
    });
    let open = dashboard::OPEN_ROUTES.iter();
    let open = open.map(|(method, path)| (method.clone(), (*path).to_owned()));
    let pages = dashboard::dashboard_routes().into_iter();
    let pages = pages.map(|page| (page.method, page.path.to_owned()));
    described.chain(open).chain(pages).collect()
}

/// The methods of a path, as the `Allow` header lists them.
fn allow(routes: &[Route], path: &str) -> HeaderValue {
    let methods = routes.iter().filter(|route| route.path == path);
    let methods: Vec<_> = methods
        .map(|route| match method(&route.method) {
            Method::GET => "GET,HEAD".to_owned(),
            other => other.to_string(),
        })
        .collect();
    // Words of methods are always a header's value.
    HeaderValue::from_str(&methods.join(",")).unwrap_or(HeaderValue::from_static(""))
}

/// Every path under which a documented route is served.
pub fn served_at(path: &str) -> Vec<String> {
    match path {
        // One handler for all types; fixed words, so that no id is ever taken for a type.
        inspection::CREATE => InspectionType::ALL
            .iter()
            .map(|kind| create_path(*kind))
            .collect(),
        inspection::UPDATE_PRODUCT => inspection::UPDATABLE
            .iter()
            .map(|kind| format!("{}/{{id}}", create_path(*kind)))
            .collect(),
        // PHP lists with a slash at the end (contract 1.1).
        inspection::LIST | template::LIST => vec![path.to_owned(), format!("{path}/")],
        _ => vec![path.to_owned()],
    }
}

/// Where inspections of one type are created.
pub fn create_path(kind: InspectionType) -> String {
    format!("/v1/inspection/{kind}")
}

fn filter(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}

fn method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

async fn unknown_path(State(web): State<Web>, request: Request) -> axum::response::Response {
    let call = Call::new(web, "unknown path", request);
    dashboard::refuse(call, no_route()).await
}

async fn unknown_method(State(web): State<Web>, request: Request) -> axum::response::Response {
    let call = Call::new(web, "unknown method", request);
    dashboard::refuse(call, no_method()).await
}

/// What stands in an id's place and is none makes the path an unknown one: `POST /v1/inspection/boat` asks
/// for a type that does not exist, and no other method would help.
async fn unknown_type_or_method(
    web: Web,
    allow: HeaderValue,
    request: Request,
) -> axum::response::Response {
    let word = request.uri().path().rsplit('/').next();
    if word.is_none_or(|word| word.parse::<InspectionId>().is_err()) {
        let call = Call::new(web, "unknown type", request);
        return refuse(call, inspection::unknown_type()).await;
    }
    let call = Call::new(web, "unknown method", request);
    let mut response = refuse(call, no_method()).await;
    response.headers_mut().insert(ALLOW, allow);
    response
}

/// A head that is too large is what is wrong first, whatever its path.
async fn refuse(call: Call, failure: Failure) -> axum::response::Response {
    let outcome = call.check_headers().and(Err(failure));
    call.finish(outcome).await
}
