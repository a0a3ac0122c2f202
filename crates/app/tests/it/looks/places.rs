//! What is looked at: every page that the dashboard has, how one gets there, and in which looks.

use crate::browser::Look;

/// What customers and receivers say on every page that shows their words. Nothing of it may run.
pub const SCRIPT: &str = "<script>window.ran=1</script><img src=x onerror=window.ran=1>";
pub const PASSWORD: &str = "correct horse battery";

/// The four looks: each language is shown light and dark, each once on a desk and once on a phone. Two follow
/// the browser; in the other two the reader chose against it.
pub struct Shown {
    pub name: &'static str,
    pub look: Look,
    pub language: &'static str,
    pub theme: &'static str,
    /// Once for each language, theme and size is enough: what axe finds depends on no pair of them.
    pub is_checked: bool,
}

pub const LOOKS: [Shown; 4] = [
    Shown {
        name: "es-light-desk",
        look: Look::DESKTOP,
        language: "es",
        theme: "auto",
        is_checked: true,
    },
    Shown {
        name: "en-dark-phone",
        look: Look::PHONE.dark().speaking("en-GB"),
        language: "en",
        theme: "auto",
        is_checked: true,
    },
    Shown {
        name: "es-dark-desk",
        look: Look::DESKTOP.speaking("en-GB"),
        language: "es",
        theme: "dark",
        is_checked: false,
    },
    Shown {
        name: "en-light-phone",
        look: Look::PHONE.dark(),
        language: "en",
        theme: "light",
        is_checked: false,
    },
];

/// In which session a page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// In none.
    Nobody,
    /// The owner of a company in which nothing happened yet.
    Newcomer,
    /// The owner of one in which everything did.
    Owner,
    Producer,
}

/// How one gets there. `{name}` stands for what [`Samples`] knows under it.
#[derive(Debug, Clone, Copy)]
pub enum How {
    Open(&'static str),
    /// The answer to a form.
    Send(&'static str, &'static [(&'static str, &'static str)]),
}

use How::{Open, Send};
use Who::{Newcomer, Nobody, Owner, Producer};

/// Whose session, the picture's name, the route, the template, how to get there, and what is then on the page.
pub type Place = (
    Who,
    &'static str,
    &'static str,
    &'static str,
    How,
    &'static str,
);

/// What fails says why, in one template.
pub const PROBLEM: &str = "dashboard/problem.html";

#[rustfmt::skip]
pub const PLACES: &[Place] = &[
    (Nobody, "sign-in", "/signin", "sign_in.html", Open("/signin"), "#email"),
    (Nobody, "sign-in-wrong", "/signin", "sign_in.html", Send("/signin", &[("email", "ana@example.com"), ("password", "wrong")]), "[role=alert]"),
    (Nobody, "sign-in-link", "/signin", "sign_in.html", Open("{sign-in-link}"), "main input[name=token] + button"),
    (Nobody, "sign-in-spent", "/signin", "sign_in.html", Open("/signin?token=si_spent"), "details[open] #token"),
    (Nobody, "sign-in-companies", "/signin", "sign_in.html", Send("/signin", &[("email", "ana@example.com"), ("password", PASSWORD)]), "form.field + form.field"),
    (Nobody, "invitation", "/invitation", "invitation.html", Open("{invitation-link}"), "#first-name"),
    (Nobody, "invitation-wrong", "/invitation", "invitation.html", Send("/invitation", &[("token", "{invitation-token}"), ("first_name", "Leo"), ("password", "a"), ("again", "b")]), "#again[aria-invalid]"),
    (Nobody, "invitation-spent", "/invitation", "invitation_spent.html", Open("/invitation?token=in_spent"), "[role=alert]"),
    (Nobody, "consent-signed-out", "/oauth/connect", "consent.html", Open("{consent}"), "#email"),
    (Nobody, "refused", "/oauth/connect", "refused.html", Open("/oauth/connect?scopes=account"), "main code"),
    (Nobody, "unknown-signed-out", "", PROBLEM, Open("/typo"), "main h1 + p:last-child"),

    (Newcomer, "first-steps", "/dashboard", "dashboard/overview.html", Open("/dashboard"), "ol.steps"),
    (Newcomer, "developers-empty", "/dashboard/developers", "dashboard/developers.html", Open("/dashboard/developers"), ".empty .first"),
    (Newcomer, "inspections-empty", "/dashboard/inspections", "dashboard/inspections.html", Open("/dashboard/inspections"), ".empty"),
    (Newcomer, "deliveries-empty", "/dashboard/deliveries", "dashboard/deliveries.html", Open("/dashboard/deliveries"), "#live[data-caught-up]"),
    (Newcomer, "recover-no-webhooks", "/dashboard/recover", "dashboard/recover.html", Open("/dashboard/recover"), ".empty .first"),
    (Newcomer, "account-without-password", "/dashboard/account", "dashboard/account.html", Open("/dashboard/account"), "#password"),

    (Producer, "developers-producer", "/dashboard/developers", "dashboard/developers.html", Open("/dashboard/developers"), "table.webhooks"),
    (Producer, "webhook-producer", "/dashboard/webhooks/{id}", "dashboard/webhook.html", Open("/dashboard/webhooks/{webhook}"), "#events-title"),
    (Producer, "delivery-producer", "/dashboard/deliveries/{id}", "dashboard/delivery.html", Open("/dashboard/deliveries/{delivery}"), "#attempts"),
    (Producer, "problem-403", "/dashboard/team", PROBLEM, Open("/dashboard/team"), "main a.first[href$='dashboard']"),

    (Owner, "overview", "/dashboard", "dashboard/overview.html", Open("/dashboard"), "dl.tiles"),
    (Owner, "developers", "/dashboard/developers", "dashboard/developers.html", Open("/dashboard/developers"), "#applications"),
    (Owner, "key-new", "/dashboard/keys/new", "dashboard/key_form.html", Open("/dashboard/keys/new"), "#scopes"),
    (Owner, "key-wrong", "/dashboard/keys/new", "dashboard/key_form.html", Send("/dashboard/keys", &[("name", "")]), "[role=alert]"),
    (Owner, "key-made", "/dashboard/keys", "dashboard/key_made.html", Send("/dashboard/keys", &[("name", SCRIPT), ("scopes", "webhooks")]), "#key"),
    (Owner, "application-new", "/dashboard/applications/new", "dashboard/app_form.html", Open("/dashboard/applications/new"), "#redirects"),
    (Owner, "application-wrong", "/dashboard/applications/new", "dashboard/app_form.html", Send("/dashboard/applications", &[("name", "x"), ("redirects", "no address")]), "[role=alert]"),
    (Owner, "application-made", "/dashboard/applications", "dashboard/app_made.html", Send("/dashboard/applications", &[("name", SCRIPT), ("redirects", "https://app.example/cb")]), "#client-secret"),
    (Owner, "consent", "/oauth/connect", "consent.html", Open("{consent}"), "input[name=client_app_id]"),
    (Owner, "team", "/dashboard/team", "dashboard/team.html", Open("/dashboard/team"), "details.act"),
    (Owner, "invite", "/dashboard/team/invite", "dashboard/invite.html", Open("/dashboard/team/invite"), "#role"),
    (Owner, "invite-wrong", "/dashboard/team/invite", "dashboard/invite.html", Send("/dashboard/team/invitations", &[("email", "nobody"), ("role", "producer")]), "[role=alert]"),
    (Owner, "invitation-made", "/dashboard/team/invitations", "dashboard/link_made.html", Send("/dashboard/team/invitations", &[("email", "{new-email}"), ("role", "producer")]), "#link"),
    (Owner, "reset-link-made", "/dashboard/team/{id}/reset", "dashboard/link_made.html", Send("/dashboard/team/{member}/reset", &[]), "#link"),
    (Owner, "account", "/dashboard/account", "dashboard/account.html", Open("/dashboard/account"), "#present"),
    (Owner, "account-wrong", "/dashboard/account", "dashboard/account.html", Send("/dashboard/account/password", &[("password", "a"), ("again", "b")]), "#again[aria-invalid]"),
    (Owner, "webhook-new", "/dashboard/webhooks/new", "dashboard/webhook_form.html", Open("/dashboard/webhooks/new"), "#endpoint"),
    (Owner, "webhook-new-wrong", "/dashboard/webhooks/new", "dashboard/webhook_form.html", Send("/dashboard/webhooks", &[("endpoint", "receiver"), ("events", "image_processed"), ("description", SCRIPT)]), "#endpoint[aria-invalid]"),
    (Owner, "webhook", "/dashboard/webhooks/{id}", "dashboard/webhook.html", Open("/dashboard/webhooks/{webhook}"), "#rotate"),
    (Owner, "webhook-secret", "/dashboard/webhooks/{id}/secret", "dashboard/webhook.html", Send("/dashboard/webhooks/{webhook}/secret", &[]), "#secret"),
    (Owner, "webhook-test", "/dashboard/webhooks/{id}/test", "dashboard/webhook.html", Send("/dashboard/webhooks/{webhook}/test", &[("event", "image_processed")]), "#test:not([data-live]) .attempt"),
    (Owner, "webhook-disabled", "/dashboard/webhooks/{id}", "dashboard/webhook.html", Open("/dashboard/webhooks/{disabled}"), ".note.bad"),
    (Owner, "webhook-settings", "/dashboard/webhooks/{id}/settings", "dashboard/webhook_form.html", Open("/dashboard/webhooks/{webhook}/settings"), "#timeout"),
    (Owner, "webhook-receiver", "/dashboard/webhooks/{id}/receiver", "dashboard/webhook_receiver.html", Open("/dashboard/webhooks/{webhook}/receiver"), "#code"),
    (Owner, "webhook-check", "/dashboard/webhooks/{id}/check", "dashboard/webhook_receiver.html", Send("/dashboard/webhooks/{webhook}/check", &[("signature", SCRIPT), ("body", SCRIPT)]), "[role=alert]"),
    (Owner, "inspections", "/dashboard/inspections", "dashboard/inspections.html", Open("/dashboard/inspections"), "tbody a"),
    (Owner, "inspections-none-match", "/dashboard/inspections", "dashboard/inspections.html", Open("/dashboard/inspections?plate=ZZ999ZZ&from=2020-01-01&to=2020-01-01"), ".empty"),
    (Owner, "inspections-wrong", "/dashboard/inspections", "dashboard/inspections.html", Open("/dashboard/inspections?from=2026-11-18-99:00"), "[role=alert]"),
    (Owner, "inspection", "/dashboard/inspections/{id}", "dashboard/inspection.html", Open("/dashboard/inspections/{inspection}"), ".photos img"),
    (Owner, "inspection-wrong", "/dashboard/inspections/{id}/review", "dashboard/inspection.html", Send("/dashboard/inspections/{inspection}/review", &[]), "[role=alert]"),
    (Owner, "deliveries", "/dashboard/deliveries", "dashboard/deliveries.html", Open("/dashboard/deliveries"), "#live[data-caught-up]"),
    (Owner, "deliveries-wrong", "/dashboard/deliveries", "dashboard/deliveries.html", Open("/dashboard/deliveries?subject=x"), "[role=alert]"),
    (Owner, "delivery", "/dashboard/deliveries/{id}", "dashboard/delivery.html", Open("/dashboard/deliveries/{delivery}"), "#command"),
    (Owner, "event", "/dashboard/events/{id}", "dashboard/event.html", Open("/dashboard/events/{event}"), "#why"),
    (Owner, "recover", "/dashboard/recover", "dashboard/recover.html", Open("/dashboard/recover?webhook={webhook}&from=2020-01-01T00:00&status=failed&status=missing"), "#count"),
    (Owner, "recover-wrong", "/dashboard/recover", "dashboard/recover.html", Open("/dashboard/recover?webhook={webhook}&from=2099-01-01T00:00&status=failed"), "[role=alert]"),
    (Owner, "recovery", "/dashboard/recover/{id}", "dashboard/recovery.html", Open("/dashboard/recover/{recovery}"), "#progress:not([data-live])"),
    (Owner, "audit", "/dashboard/audit", "dashboard/audit.html", Open("/dashboard/audit"), "tbody th"),
    (Owner, "problem-403-form", "/dashboard/keys", PROBLEM, Send("/dashboard/keys", &[("form", "wrong")]), "main a.first[href$='dashboard']"),
    (Owner, "problem-404", "", PROBLEM, Open("/dashboard/webhooks/651ae032ff786d198dfa4ce4"), "main a.first[href$='dashboard']"),
    (Owner, "problem-405", "/dashboard/keys", PROBLEM, Open("/dashboard/keys"), "main a.first[href$='dashboard']"),
    (Owner, "problem-409", "/dashboard/deliveries/{id}/resend", PROBLEM, Send("/dashboard/deliveries/{of-disabled}/resend", &[]), "main a.first[href$='dashboard']"),
];

/// Looked at once the owner's present password was wrong too often.
#[rustfmt::skip]
pub const TOO_MANY: &[Place] = &[
    (Owner, "problem-429", "/dashboard/account/password", PROBLEM, Send("/dashboard/account/password", &[("present", "x"), ("password", PASSWORD), ("again", PASSWORD)]), "main a.first[href$='dashboard']"),
    (Nobody, "sign-in-too-many", "/signin", "sign_in.html", Send("/signin", &[("email", "leo@example.com"), ("password", "x")]), "main h1 + [role=alert]"),
];

/// Looked at while somebody's long range is being counted.
#[rustfmt::skip]
pub const COUNTING: &[Place] = &[
    (Owner, "recover-counting", "/dashboard/recover/counts/{id}", "dashboard/recover.html", Open("/dashboard/recover/counts/{count}"), "#counted[data-live] progress"),
];

/// Looked at while nothing can be written.
#[rustfmt::skip]
pub const FULL: &[Place] = &[
    (Owner, "problem-503", "/dashboard/keys", PROBLEM, Send("/dashboard/keys", &[("name", "x"), ("scopes", "webhooks")]), "main a.first[href$='dashboard']"),
];

/// They answer with something else than a page: the stream of the live list, a redirect, a file.
pub const NO_PAGES: [&str; 3] = [
    "/dashboard/deliveries/stream",
    "/dashboard/settings",
    "/dashboard/events/{id}/body",
];
