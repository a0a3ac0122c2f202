//! The dashboard: pages for the people of a company.
//!
//! To add a page: write its module with a template and a handler, and a line in the table below. The table says
//! who may open it; the road through [`visit`] looks at the session, the role and, for a form, that it is one
//! of this session, before the handler runs. Handlers call the use cases that the API calls and decide nothing.
//! Texts stand in [`words`](crate::words), never in templates.

mod account;
mod address;
mod audit;
mod chart;
mod deliveries;
mod developers;
mod events;
mod inspections;
mod keys;
mod moment;
mod oauth_apps;
mod overview;
mod preferences;
mod recoveries;
mod spark;
mod team;
mod visit;
mod webhooks;
mod wrong;

pub use moment::Moment;
pub use wrong::Wrong;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use heraldo_domain::account::Role;
use http::Method;

use crate::{Web, invitation};

/// One route of the dashboard.
#[derive(Debug, Clone)]
pub struct PageRoute {
    pub method: Method,
    pub path: &'static str,
    /// The least role that may use it.
    pub role: Role,
}

/// The routes here that need no session.
pub const OPEN_ROUTES: [(Method, &str); 3] = [
    (Method::POST, preferences::PATH),
    (Method::GET, invitation::PATH),
    (Method::POST, invitation::PATH),
];

/// Writes the table out twice: as the router, and as a list to look routes up in. `get` handlers take the
/// visit, `post` handlers the visit and the form.
macro_rules! pages {
    ($($method:ident $path:literal $role:ident $module:ident::$handler:ident;)+) => {
        /// Every route that needs a session.
        #[must_use]
        pub fn dashboard_routes() -> Vec<PageRoute> {
            vec![$(PageRoute {
                method: pages!(@method $method),
                path: $path,
                role: Role::$role,
            },)+]
        }

        /// Adds the pages to the router.
        pub fn add(router: Router<Web>) -> Router<Web> {
            router
                .route(preferences::PATH, post(preferences::serve))
                .route(invitation::PATH, get(invitation::serve).post(invitation::serve))
                $(.route($path, $method(|State(web): State<Web>, request: Request| async move {
                    let name = concat!(stringify!($module), "::", stringify!($handler));
                    pages!(@serve $method web, name, request, Role::$role, $module::$handler)
                })))+
        }
    };
    (@method get) => { Method::GET };
    (@method post) => { Method::POST };
    (@serve get $web:ident, $name:ident, $request:ident, $role:expr, $handler:path) => {
        visit::open($web, $name, $request, $role, async |visit| $handler(visit).await).await
    };
    (@serve post $web:ident, $name:ident, $request:ident, $role:expr, $handler:path) => {
        visit::send($web, $name, $request, $role, async |visit, form| $handler(visit, form).await).await
    };
}

pages! {
    get "/dashboard" Producer overview::show;
    get "/dashboard/settings" Producer developers::settings;
    get "/dashboard/developers" Producer developers::show;
    post "/dashboard/sign-out" Producer account::sign_out;
    post "/dashboard/sign-out-everywhere" Producer account::sign_out_everywhere;
    get "/dashboard/account" Producer account::show;
    post "/dashboard/account" Producer account::update;
    post "/dashboard/account/password" Producer account::set_password;

    get "/dashboard/team" Admin team::show;
    get "/dashboard/team/invite" Admin team::invite;
    post "/dashboard/team/invitations" Admin team::create;
    post "/dashboard/team/invitations/{id}/revoke" Admin team::revoke_invitation;
    post "/dashboard/team/{id}/role" Admin team::change_role;
    post "/dashboard/team/{id}/remove" Admin team::remove;
    post "/dashboard/team/{id}/reset" Admin team::reset;

    get "/dashboard/keys/new" Admin keys::form;
    post "/dashboard/keys" Admin keys::create;
    post "/dashboard/keys/{id}/revoke" Admin keys::revoke;
    get "/dashboard/applications/new" Admin oauth_apps::form;
    post "/dashboard/applications" Admin oauth_apps::create;
    post "/dashboard/applications/{id}/secret" Admin oauth_apps::rotate_secret;
    post "/dashboard/applications/{id}/delete" Admin oauth_apps::delete;
    get "/dashboard/webhooks/new" Admin webhooks::form;
    post "/dashboard/webhooks" Admin webhooks::create;
    get "/dashboard/webhooks/{id}" Producer webhooks::show;
    get "/dashboard/webhooks/{id}/settings" Admin webhooks::settings;
    post "/dashboard/webhooks/{id}/settings" Admin webhooks::update;
    get "/dashboard/inspections" Producer inspections::list;
    get "/dashboard/inspections/{id}" Producer inspections::show;
    post "/dashboard/inspections/{id}/access" Producer inspections::reveal_access;
    post "/dashboard/inspections/{id}/review" Admin inspections::review;
    post "/dashboard/inspections/{id}/review-photos" Admin inspections::review_photos;
    post "/dashboard/inspections/{id}/child" Admin inspections::child;
    post "/dashboard/inspections/{id}/report" Admin inspections::report;
    get "/dashboard/audit" Admin audit::show;
    post "/dashboard/webhooks/{id}/secret" Admin webhooks::reveal;
    post "/dashboard/webhooks/{id}/secret/rotate" Admin webhooks::rotate;
    post "/dashboard/webhooks/{id}/test" Admin webhooks::send_test;
    post "/dashboard/webhooks/{id}/status" Admin webhooks::set_status;
    post "/dashboard/webhooks/{id}/delete" Admin webhooks::delete;
    get "/dashboard/webhooks/{id}/receiver" Producer webhooks::receiver;
    post "/dashboard/webhooks/{id}/check" Admin webhooks::check;

    get "/dashboard/deliveries" Producer deliveries::list;
    get "/dashboard/deliveries/stream" Producer deliveries::stream;
    get "/dashboard/deliveries/{id}" Producer deliveries::show;
    post "/dashboard/deliveries/{id}/resend" Admin deliveries::resend;
    get "/dashboard/events/{id}" Producer events::show;
    get "/dashboard/events/{id}/body" Admin events::body;
    get "/dashboard/recover" Admin recoveries::form;
    post "/dashboard/recover" Admin recoveries::begin;
    get "/dashboard/recover/{id}" Admin recoveries::show;
    post "/dashboard/recover/{id}/cancel" Admin recoveries::cancel;
}
