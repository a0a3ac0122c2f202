//! `heraldo company`, `key`, `user` and `oauth`: administration on the store directly, also while a server runs
//! on it.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use heraldo_domain::account::Role;
use heraldo_domain::change::Actor;
use heraldo_domain::ops::Context;
use heraldo_domain::ops::accounts::{
    KeyRequest, Person, create_company, create_key, create_user, revoke_key,
};
use heraldo_domain::ops::oauth_apps::{create_oauth_app, create_oauth_code, delete_oauth_app};
use heraldo_domain::ops::people::reset_access;
use heraldo_domain::ops::sign_in::sign_out_everywhere;
use heraldo_domain::ports::{IdMaker, NoHandOver};
use heraldo_domain::query::Page;
use heraldo_store::SqliteStore;
use heraldo_store::sqlite::DATABASE_FILE;
use heraldo_wire::api::{parse_oauth_scopes, parse_scopes};
use heraldo_wire::id::{ApiKeyId, CompanyId, OauthAppId, UserId};
use heraldo_wire::problem::ProblemCode;
use serde_json::json;

use crate::cli::{given, given_all, is_set};
use crate::failure::{Failure, Outcome};
use crate::settings::Settings;
use crate::terminal::say;
use crate::{address, engine, links, logs};

/// A running server looks for other processes' commits every 50 ms. What a command made or ended is in
/// force everywhere when the command says so.
const NOTICED_AFTER: Duration = Duration::from_millis(150);

/// What a command answers: for programs and for people.
struct Told {
    json: serde_json::Value,
    text: String,
}

/// Carries out `heraldo <what> <verb>`.
pub fn run(what: &str, verb: &str, matches: &ArgMatches, settings: &Settings) -> Outcome<ExitCode> {
    logs::start(settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("the command cannot be started: {error}")))?;
    let told = runtime.block_on(async {
        // Only a new company may be the first thing in a folder.
        let context = open(settings, (what, verb) == ("company", "create"))?;
        let told = match (what, verb) {
            ("company", "create") => new_company(&context, matches).await,
            ("company", "list") => companies(&context).await,
            ("key", "create") => new_key(&context, matches).await,
            ("key", "revoke") => end_key(&context, matches).await,
            ("user", "create") => new_user(&context, matches).await,
            ("user", "list") => users(&context, matches).await,
            ("user", "reset") => reset_user(&context, matches).await,
            ("user", "sign-out") => sign_user_out(&context, matches).await,
            ("oauth", "app create") => new_oauth_app(&context, matches).await,
            ("oauth", "app delete") => end_oauth_app(&context, matches).await,
            ("oauth", "code") => new_oauth_code(&context, matches).await,
            (what, verb) => Err(Failure::new(format!("there is no command {what} {verb}"))),
        }?;
        context.store.close().await?;
        tokio::time::sleep(NOTICED_AFTER).await;
        Ok::<_, Failure>(told)
    })?;
    if is_set(matches, "json") {
        say(&told.json.to_string());
    } else {
        say(&told.text);
    }
    Ok(ExitCode::SUCCESS)
}

fn open(settings: &Settings, may_create: bool) -> Outcome<Context> {
    let database = settings.data_dir.join(DATABASE_FILE);
    if !may_create && !database.exists() {
        return Err(Failure::new(format!(
            "there is no data of Heraldo in the folder {}; name the server's with --data-dir or \
             HERALDO_DATA_DIR",
            settings.data_dir.display()
        )));
    }
    let config = engine::store_config(settings, Arc::new(NoHandOver), false);
    let store = Arc::new(SqliteStore::open(config)?);
    // A server on port 0 knows its port, the settings do not.
    let bound = address::read(&settings.data_dir).unwrap_or(settings.listen);
    let ids = Arc::new(IdMaker::default());
    engine::context(store, ids, settings, settings.public_url(bound))
}

async fn new_company(context: &Context, matches: &ArgMatches) -> Outcome<Told> {
    let name = given(matches, "name").unwrap_or_default();
    let owner = Person {
        email: given(matches, "owner-email"),
        first_name: given(matches, "owner-first-name"),
        last_name: given(matches, "owner-last-name"),
        ..Person::default()
    };
    let new = create_company(context, &name, owner).await?;
    let link = links::sign_in(&context.links.public_url, &new.sign_in_token);
    let (company, key) = (new.company_id.to_string(), new.api_key.reveal());
    Ok(Told {
        json: json!({ "companyId": company, "apiKey": key, "signInLink": link }),
        text: format!(
            "The company is made. Keep what follows: it is shown once.\n  company   {company}\n  \
             API key   {key}\n  sign in   {link} (works once, within 24 hours)"
        ),
    })
}

/// Every company, newest first.
async fn companies(context: &Context) -> Outcome<Told> {
    const LIMIT: u32 = 500;
    let mut rows = Vec::new();
    // Writing into a text never fails.
    let mut text = String::new();
    let mut before = None;
    loop {
        let page = Page {
            limit: LIMIT,
            before,
        };
        let companies = context.store.companies(page).await?;
        for company in &companies {
            let (id, name) = (company.id.to_string(), &company.name);
            let _ = writeln!(text, "{id}  {name}");
            rows.push(json!({ "companyId": id, "name": name, "createdAt": company.created_at }));
        }
        before = companies.last().map(|company| company.id);
        if before.is_none() {
            break;
        }
    }
    if rows.is_empty() {
        "There is no company yet; `heraldo company create --name NAME` makes one."
            .clone_into(&mut text);
    }
    Ok(Told {
        json: json!({ "companies": rows }),
        text: text.trim_end().to_owned(),
    })
}

async fn new_key(context: &Context, matches: &ArgMatches) -> Outcome<Told> {
    let scopes = parse_scopes(&given(matches, "scopes").unwrap_or_default())
        .map_err(|why| Failure::new(format!("--scopes: {why}")))?;
    let request = KeyRequest {
        name: given(matches, "name"),
        scopes,
        testing: is_set(matches, "testing"),
    };
    let new = create_key(
        context,
        company(context, matches).await?,
        Actor::CommandLine,
        request,
    )
    .await?;
    let (id, key) = (new.id.to_string(), new.api_key.reveal());
    let text = if is_set(matches, "plain") {
        key.to_owned()
    } else {
        format!("The key is made. Keep it: it is shown once.\n  API key   {key}\n  id        {id}")
    };
    Ok(Told {
        json: json!({ "apiKey": key, "keyId": id }),
        text,
    })
}

async fn end_key(context: &Context, matches: &ArgMatches) -> Outcome<Told> {
    let text = given(matches, "id").unwrap_or_default();
    let unknown = || {
        Failure::new(format!(
            "there is no key with the id {text}; it may be revoked already"
        ))
    };
    let id: ApiKeyId = text.parse().map_err(|_| {
        Failure::new("a key is revoked by its id, 24 hex digits, not by the key itself")
    })?;
    let company = context
        .store
        .api_key_company(id)
        .await?
        .ok_or_else(unknown)?;
    revoke_key(context, company, Actor::CommandLine, id).await?;
    Ok(Told {
        json: json!({ "keyId": text, "revoked": true }),
        text: format!("The key {text} is revoked; it is refused from now on."),
    })
}

async fn new_user(context: &Context, matches: &ArgMatches) -> Outcome<Told> {
    let role = match given(matches, "role").as_deref() {
        Some("owner") => Role::Owner,
        Some("admin") => Role::Admin,
        Some(_) | None => Role::Producer,
    };
    let person = Person {
        email: given(matches, "email"),
        first_name: given(matches, "first-name"),
        last_name: given(matches, "last-name"),
        internal_id: given(matches, "internal-id"),
        invited_by: given(matches, "invited-by")
            .map(|text| id_of("--invited-by", "a user's id", &text))
            .transpose()?,
    };
    let new = create_user(context, company(context, matches).await?, role, person).await?;
    let link = links::sign_in(&context.links.public_url, &new.sign_in_token);
    let (user, membership) = (new.user_id.to_string(), new.membership_id.to_string());
    Ok(Told {
        json: json!({ "userId": user, "membershipId": membership, "signInLink": link }),
        text: format!(
            "The user is made.\n  user         {user}\n  membership   {membership}\n  sign in      {link} \
             (works once, within 24 hours)"
        ),
    })
}

/// The people of a company, oldest first.
async fn users(context: &Context, matches: &ArgMatches) -> Outcome<Told> {
    let company = context
        .store
        .company(company(context, matches).await?)
        .await?;
    let members = company.iter().flat_map(|company| &company.members);
    let mut members: Vec<_> = members.collect();
    members.sort_by_key(|member| member.membership_id);
    let mut rows = Vec::new();
    // Writing into a text never fails.
    let mut text = String::new();
    for member in members {
        let (id, role, email) = (member.user_id.to_string(), member.role, &member.email);
        let _ = writeln!(text, "{id}  {role:<8}  {email}");
        rows.push(json!({ "userId": id, "role": role, "email": email }));
    }
    Ok(Told {
        json: json!({ "users": rows }),
        text: text.trim_end().to_owned(),
    })
}

/// The person that `--user` names, and a company of the person's.
async fn person(context: &Context, matches: &ArgMatches) -> Outcome<(CompanyId, UserId)> {
    let text = given(matches, "user").unwrap_or_default();
    let user: UserId = id_of("--user", "a person's id", &text)?;
    let places = context.store.memberships(user).await?;
    let (place, _) = places.first().ok_or_else(|| {
        Failure::new(format!(
            "there is nobody with the id {user}; `heraldo user list` shows the ids that there are"
        ))
    })?;
    Ok((place.company_id, user))
}

async fn reset_user(context: &Context, matches: &ArgMatches) -> Outcome<Told> {
    let (company, user) = person(context, matches).await?;
    let token = reset_access(context, company, Actor::CommandLine, user).await?;
    let link = links::sign_in(&context.links.public_url, &token);
    Ok(Told {
        json: json!({ "userId": user, "signInLink": link }),
        text: format!(
            "The password and every session have ended.\n  sign in      {link} (works once, within 24 hours)"
        ),
    })
}

async fn sign_user_out(context: &Context, matches: &ArgMatches) -> Outcome<Told> {
    let (company, user) = person(context, matches).await?;
    sign_out_everywhere(context, company, Actor::CommandLine, user).await?;
    Ok(Told {
        json: json!({ "userId": user, "signedOut": true }),
        text: "Every session has ended.".to_owned(),
    })
}

async fn new_oauth_app(context: &Context, matches: &ArgMatches) -> Outcome<Told> {
    let company = company(context, matches).await?;
    let name = given(matches, "name").unwrap_or_default();
    let new = create_oauth_app(
        context,
        company,
        Actor::CommandLine,
        &name,
        given_all(matches, "redirect"),
    )
    .await?;
    let (id, secret) = (new.id.to_string(), new.secret.reveal());
    Ok(Told {
        json: json!({ "client_app_id": id, "client_secret": secret }),
        text: format!(
            "The application is registered. Keep the secret: it is shown once.\n  client_app_id   {id}\n  \
             client_secret   {secret}\n  users go to     {}/oauth/connect?client_app_id={id}&scopes=…",
            context.links.public_url
        ),
    })
}

async fn end_oauth_app(context: &Context, matches: &ArgMatches) -> Outcome<Told> {
    let text = given(matches, "id").unwrap_or_default();
    let id: OauthAppId = id_of("the argument", "an application's client_app_id", &text)?;
    let name = delete_oauth_app(context, None, Actor::CommandLine, id)
        .await
        .map_err(|problem| match problem.code {
            ProblemCode::NotFound => Failure::new(format!(
                "there is no application with the client_app_id {id} in this store; the dashboard's page \
                 Developers shows those of a company"
            )),
            _ => problem.into(),
        })?;
    Ok(Told {
        json: json!({ "client_app_id": id, "deleted": true }),
        text: format!("The application {name} is deleted. What users gave it has ended."),
    })
}

async fn new_oauth_code(context: &Context, matches: &ArgMatches) -> Outcome<Told> {
    let text = |name| given(matches, name).unwrap_or_default();
    let app: OauthAppId = id_of("--app", "an application's client_app_id", &text("app"))?;
    let user: UserId = id_of("--user", "a user's id", &text("user"))?;
    let scopes = parse_oauth_scopes(&text("scopes"))
        .map_err(|why| Failure::new(format!("--scopes: {why}")))?;
    let code = create_oauth_code(context, app, user, scopes)
        .await
        .map_err(|problem| match problem.code {
            ProblemCode::NotFound => Failure::new(
                "there is no such application or no such user in this store; check --app and --user",
            ),
            _ => problem.into(),
        })?;
    let code = code.reveal();
    Ok(Told {
        json: json!({ "code": code }),
        text: format!("The code works once, within 10 minutes.\n  code   {code}"),
    })
}

fn id_of<T: FromStr>(flag: &str, what: &str, text: &str) -> Outcome<T> {
    text.parse()
        .map_err(|_| Failure::new(format!("{flag} takes {what}, 24 hex digits")))
}

/// The company that `--company` names.
async fn company(context: &Context, matches: &ArgMatches) -> Outcome<CompanyId> {
    const HINT: &str = "`heraldo company list` shows the ids that there are";
    let text = given(matches, "company").unwrap_or_default();
    let id: CompanyId = text.parse().map_err(|_| {
        Failure::new(format!(
            "--company takes a company's id, 24 hex digits; {HINT}"
        ))
    })?;
    match context.store.company(id).await? {
        Some(_) => Ok(id),
        None => Err(Failure::new(format!(
            "there is no company with the id {id} in this store; {HINT} (with the same --data-dir)"
        ))),
    }
}
