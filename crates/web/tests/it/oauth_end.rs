//! The end of an OAuth application: nothing of what it was given is left.

use heraldo_domain::change::{Actor, AuditAction};
use heraldo_domain::ops::oauth_apps::{NewOauthApp, delete_oauth_app};
use heraldo_domain::query::Page;
use heraldo_domain::record::RecordKind;
use heraldo_wire::problem::ProblemCode;
use serde_json::json;

use crate::oauth::{
    MEMBERSHIPS, app, code, exchange, exchange_body, read, renew, text, token, user,
};
use crate::world::World;

#[tokio::test]
async fn with_an_application_everything_ends_that_users_gave_it() {
    let world = World::new().await;
    let (gone, kept) = (app(&world).await, app(&world).await);
    let user = user(&world, "ana@example.com", None).await.user_id;
    let scopes = "memberships";
    let first = code(&world, &gone, user, scopes).await;
    let tokens = exchange(&world, &exchange_body(&gone, &first))
        .await
        .json(200);
    let access = text(&tokens["access_token"]);
    let others = token(&world, &kept, user, scopes).await;
    let unspent = code(&world, &gone, user, scopes).await;
    read(&world, MEMBERSHIPS, &access).await.json(200);

    let other = world.other_company().await.company_id;
    let delete = |company| delete_oauth_app(&world.context, company, Actor::CommandLine, gone.id);
    let refused = delete(Some(other)).await.unwrap_err();
    assert_eq!(refused.code, ProblemCode::NotFound, "another company's");
    assert_eq!(delete(Some(world.company)).await.unwrap(), "Cotizador");
    let again = delete(None).await.unwrap_err();
    assert_eq!(again.code, ProblemCode::NotFound);

    let answer = read(&world, MEMBERSHIPS, &access).await;
    answer.problem(ProblemCode::InvalidCredentials);
    let renewal = json!({"refresh_token": tokens["refresh_token"], "client_app_id": gone.id,
        "client_secret": gone.secret.reveal()});
    let answer = renew(&world, &renewal).await;
    answer.problem(ProblemCode::InvalidCredentials);
    let answer = exchange(&world, &exchange_body(&gone, &unspent)).await;
    answer.problem(ProblemCode::InvalidCredentials);
    let page = Page {
        limit: 10,
        before: None,
    };
    let store = &world.context.store;
    let connections = |app: &NewOauthApp| {
        let kind = RecordKind::OauthConnection;
        store.records(kind, world.company, Some(app.id.0), page)
    };
    assert_eq!(connections(&gone).await.unwrap(), []);
    assert_eq!(connections(&kept).await.unwrap().len(), 1);
    read(&world, MEMBERSHIPS, &others).await.json(200);
    let audit = Page {
        limit: 1,
        before: None,
    };
    let entry = store.audit(world.company, audit).await.unwrap().remove(0);
    assert_eq!(entry.action, AuditAction::OauthAppDeleted);
    assert_eq!(entry.detail.as_deref(), Some("Cotizador"));
}
