//! The stream behind the live list: rows of deliveries whose attempts have ended.
//!
//! It is the session's own, whoever may open the list may open it, and it ends with the session.

use std::sync::Arc;
use std::time::Duration;

use askama::Template as _;
use async_trait::async_trait;
use bytes::Bytes;
use heraldo_domain::ops::Context;
use heraldo_domain::ops::sign_in::session;
use heraldo_domain::query::{CompanyView, DeliveryFilter, DeliveryRecord};
use heraldo_wire::id::UserId;
use heraldo_wire::problem::ProblemCode;
use heraldo_wire::time::Timestamp;

use super::filters::Filters;
use super::row::{LoneRow, Row};
use crate::call::Outcome;
use crate::dashboard::visit::Visit;
use crate::streams::reader::{Ending, Listener, answer, event, subscribe};
use crate::words::Words;

/// A session that has ended hears so much longer at most.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub async fn stream(visit: &mut Visit<'_>) -> Outcome {
    let read = Filters::read(visit.call.parts.uri.query().unwrap_or_default());
    if let Some(wrong) = read.wrong {
        return Err(ProblemCode::InvalidParameter.problem(wrong.detail).into());
    }
    let subscription = subscribe(visit.call, visit.company.company.id)?;
    let viewer = Viewer {
        context: visit.context().clone(),
        session: visit.session.text().to_owned(),
        user_id: visit.member.user_id,
        company: visit.company.clone(),
        looked_at: visit.call.now(),
        asked: read.filters.asked,
        t: visit.t,
    };
    let first = event(None, "ready", "");
    Ok(answer(visit.call, subscription, first, viewer))
}

/// Somebody before the list.
struct Viewer {
    context: Context,
    session: String,
    user_id: UserId,
    company: Arc<CompanyView>,
    /// When the session and the company were last looked at.
    looked_at: Timestamp,
    asked: DeliveryFilter,
    t: Words,
}

#[async_trait]
impl Listener for Viewer {
    async fn may_hear(&mut self) -> bool {
        let now = self.context.clock.now();
        if now.since(self.looked_at) < LOOK_AGAIN {
            return true;
        }
        self.looked_at = now;
        // While the store cannot say, nothing changes.
        if let Ok(None) = session(&self.context, &self.session).await {
            return false;
        }
        match self.context.store.company(self.company.company.id).await {
            Ok(None) => false,
            Ok(Some(company)) => {
                self.company = company;
                self.company.member(self.user_id).is_some()
            }
            Err(_) => true,
        }
    }

    fn tell(&mut self, delivery: &DeliveryRecord) -> Option<Bytes> {
        if self.asked.keeps(delivery) {
            let row = Row::of(delivery, &self.company);
            let row = LoneRow { t: self.t, row };
            let attempt = delivery.last_attempt.as_ref();
            let id = attempt.map(|attempt| attempt.id.to_string());
            // A row that cannot be written is still in the list.
            return Some(event(id.as_deref(), "attempt", &row.render().ok()?));
        }
        // What is listed by its status leaves the list with it.
        let before = DeliveryFilter {
            status: None,
            ..self.asked.clone()
        };
        let left = self.asked.status.is_some() && before.keeps(delivery);
        left.then(|| event(None, "left", &delivery.id.to_string()))
    }

    fn close(&mut self, why: Ending) -> Bytes {
        let why = match why {
            Ending::TooSlow { .. } => "too_slow",
            Ending::ShutOut => "signed_out",
            Ending::ShuttingDown => "shutting_down",
        };
        event(None, "closed", why)
    }
}
