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
mod pager;
mod preferences;
mod recoveries;
mod spark;
mod team;
mod visit;
mod webhooks;
mod wrong;

pub use moment::Moment;
pub use visit::refuse;
pub use wrong::Wrong;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{MethodRouter, get, post};
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
    /// The page on which the form stands that is sent there; of a page, the page itself.
    pub page: &'static str,
    /// Of a form: it is shown again, as it is filled in, when the language or the look is changed.
    pub keeps: bool,
}

/// What is served of [`OPEN_ROUTES`].
fn open_pages() -> [(&'static str, MethodRouter<Web>); 2] {
    [
        (preferences::PATH, post(preferences::serve)),
        (
            invitation::PATH,
            get(invitation::serve).post(invitation::serve),
        ),
    ]
}

/// Where forms are sent to that need no session and are not in the description of the API.
#[must_use]
pub fn open_forms() -> Vec<&'static str> {
    let forms = OPEN_ROUTES
        .into_iter()
        .filter(|(method, _)| method == Method::POST);
    forms.map(|(_, path)| path).collect()
}

/// The routes here that need no session.
pub const OPEN_ROUTES: [(Method, &str); 3] = [
    (Method::POST, preferences::PATH),
    (Method::GET, invitation::PATH),
    (Method::POST, invitation::PATH),
];

/// Writes the table out twice: as the router, and as a list to look routes up in. `get` handlers take the
/// visit, `post` handlers the visit and the form. A form that stands on another page than its own address says
/// on which. `keeps` names what shows a form again as it is filled in, and does nothing else: the buttons for
/// the language and the look are buttons of that form, too.
macro_rules! pages {
    ($($method:ident $path:literal $role:ident $module:ident::$handler:ident $(from $page:literal)? $(keeps $keeper:ident::$again:ident)?;)+) => {
        /// Every route that needs a session.
        #[must_use]
        pub fn dashboard_routes() -> Vec<PageRoute> {
            vec![$(PageRoute {
                method: pages!(@method $method),
                path: $path,
                role: Role::$role,
                page: pages!(@page $path $($page)?),
                keeps: pages!(@keeps $($again)?),
            },)+]
        }

        /// Adds the pages to the router.
        pub fn add(router: Router<Web>) -> Router<Web> {
            let open = open_pages().into_iter();
            let router = open.fold(router, |router, (path, handler)| router.route(path, handler));
            router
                $(.route($path, $method(|State(web): State<Web>, request: Request| async move {
                    let name = concat!(stringify!($module), "::", stringify!($handler));
                    let table = (Role::$role, $path, pages!(@page $path $($page)?));
                    pages!(@serve $method web, name, request, table, $module::$handler $(, $keeper::$again)?)
                })))+
        }
    };
    (@method get) => { Method::GET };
    (@method post) => { Method::POST };
    (@page $path:literal $page:literal) => { $page };
    (@page $path:literal) => { $path };
    (@keeps $again:ident) => { true };
    (@keeps) => { false };
    (@serve get $web:ident, $name:ident, $request:ident, $table:ident, $handler:path) => {
        visit::open($web, $name, $request, $table.0, async |visit| $handler(visit).await).await
    };
    (@serve post $web:ident, $name:ident, $request:ident, $table:ident, $handler:path) => {
        pages!(@serve post $web, $name, $request, $table, $handler, visit::leave)
    };
    (@serve post $web:ident, $name:ident, $request:ident, $table:ident, $handler:path, $again:path) => {
        visit::send(
            $web,
            $name,
            $request,
            $table,
            async |visit, form| $handler(visit, form).await,
            async |visit, form| $again(visit, form).await,
        )
        .await
    };
}

pages! {
    get "/dashboard" Producer overview::show;
    get "/dashboard/settings" Producer developers::settings;
    get "/dashboard/developers" Producer developers::show;
    post "/dashboard/sign-out" Producer account::sign_out from "/dashboard";
    post "/dashboard/sign-out-everywhere" Producer account::sign_out_everywhere from "/dashboard/account";
    get "/dashboard/account" Producer account::show;
    post "/dashboard/account" Producer account::update keeps account::show_profile;
    post "/dashboard/account/password" Producer account::set_password from "/dashboard/account" keeps account::show_password;

    get "/dashboard/team" Admin team::show;
    get "/dashboard/team/invite" Admin team::invite;
    post "/dashboard/team/invitations" Admin team::create from "/dashboard/team/invite" keeps team::show_invite;
    post "/dashboard/team/invitations/{id}/revoke" Admin team::revoke_invitation from "/dashboard/team";
    post "/dashboard/team/{id}/role" Admin team::change_role from "/dashboard/team";
    post "/dashboard/team/{id}/remove" Admin team::remove from "/dashboard/team";
    post "/dashboard/team/{id}/reset" Admin team::reset from "/dashboard/team";

    get "/dashboard/keys/new" Admin keys::form;
    post "/dashboard/keys" Admin keys::create from "/dashboard/keys/new" keeps keys::show_form;
    post "/dashboard/keys/{id}/revoke" Admin keys::revoke from "/dashboard/developers";
    get "/dashboard/applications/new" Admin oauth_apps::form;
    post "/dashboard/applications" Admin oauth_apps::create from "/dashboard/applications/new" keeps oauth_apps::show_form;
    post "/dashboard/applications/{id}/secret" Admin oauth_apps::rotate_secret from "/dashboard/developers";
    post "/dashboard/applications/{id}/delete" Admin oauth_apps::delete from "/dashboard/developers";
    get "/dashboard/webhooks/new" Admin webhooks::form;
    post "/dashboard/webhooks" Admin webhooks::create from "/dashboard/webhooks/new" keeps webhooks::show_new;
    get "/dashboard/webhooks/{id}" Producer webhooks::show;
    get "/dashboard/webhooks/{id}/settings" Admin webhooks::settings;
    post "/dashboard/webhooks/{id}/settings" Admin webhooks::update keeps webhooks::show_settings;
    get "/dashboard/inspections" Producer inspections::list;
    get "/dashboard/inspections/{id}" Producer inspections::show;
    post "/dashboard/inspections/{id}/access" Producer inspections::reveal_access from "/dashboard/inspections/{id}";
    post "/dashboard/inspections/{id}/review" Admin inspections::review from "/dashboard/inspections/{id}" keeps inspections::show_review;
    post "/dashboard/inspections/{id}/review-photos" Admin inspections::review_photos from "/dashboard/inspections/{id}" keeps inspections::show_review_photos;
    post "/dashboard/inspections/{id}/child" Admin inspections::child from "/dashboard/inspections/{id}";
    post "/dashboard/inspections/{id}/report" Admin inspections::report from "/dashboard/inspections/{id}";
    get "/dashboard/audit" Admin audit::show;
    post "/dashboard/webhooks/{id}/secret" Admin webhooks::reveal from "/dashboard/webhooks/{id}";
    post "/dashboard/webhooks/{id}/secret/rotate" Admin webhooks::rotate from "/dashboard/webhooks/{id}";
    post "/dashboard/webhooks/{id}/test" Admin webhooks::send_test from "/dashboard/webhooks/{id}";
    post "/dashboard/webhooks/{id}/status" Admin webhooks::set_status from "/dashboard/webhooks/{id}";
    post "/dashboard/webhooks/{id}/delete" Admin webhooks::delete from "/dashboard/webhooks/{id}";
    get "/dashboard/webhooks/{id}/receiver" Producer webhooks::receiver;
    post "/dashboard/webhooks/{id}/check" Admin webhooks::check from "/dashboard/webhooks/{id}/receiver" keeps webhooks::show_check;

    get "/dashboard/deliveries" Producer deliveries::list;
    get "/dashboard/deliveries/stream" Producer deliveries::stream;
    get "/dashboard/deliveries/{id}" Producer deliveries::show;
    post "/dashboard/deliveries/{id}/resend" Admin deliveries::resend from "/dashboard/deliveries/{id}";
    get "/dashboard/events/{id}" Producer events::show;
    get "/dashboard/events/{id}/body" Admin events::body;
    get "/dashboard/recover" Admin recoveries::form;
    post "/dashboard/recover" Admin recoveries::begin;
    get "/dashboard/recover/{id}" Admin recoveries::show;
    post "/dashboard/recover/{id}/cancel" Admin recoveries::cancel from "/dashboard/recover/{id}";
    get "/dashboard/recover/counts/{id}" Admin recoveries::show_count;
    post "/dashboard/recover/counts/{id}/stop" Admin recoveries::stop_count from "/dashboard/recover/counts/{id}";
}
