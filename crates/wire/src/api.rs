//! Requests and answers of the HTTP API (contract 1.3, 2 and 8).
//!
//! JSON in camelCase; unknown keys are ignored. Types that only wrap one of [`crate::object`] are not
//! declared again.

mod access;
mod account;
mod create;
mod delivery;
mod event;
mod explain;
mod health;
mod image;
mod inspection;
mod list;
mod oauth;
mod patch;
mod recovery;
mod report;
mod statistics;
mod stream;
mod template;
mod update;
mod webhook;

pub use access::{
    AccessAnswer, AccessRequest, ChildrenRequest, ImageReview, ReviewAnswer, ReviewRequest,
    ReviewVeredict,
};
pub use account::{ApiKey, CreateKeyAnswer, CreateKeyRequest, Scope, parse_scopes};
pub use create::{CreateInspectionAnswer, CreateInspectionRequest};
pub use delivery::{
    Attempt, Delivery, DeliveryHead, DeliveryListQuery, DeliveryStatus, DeliverySummary,
    ResendAnswer,
};
pub use event::{Event, EventListQuery, PublishAnswer, PublishItem, PublishedId};
pub use explain::{ExplainAnswer, ExplainedReason, ExplainedState, Explanation};
pub use health::{HealthAnswer, HealthStatus};
pub use image::{
    CoordinatesRequest, ImageRequest, ImageResultDamage, ImageResultRequest, ImageResultValidation,
    ImageTokenAnswer, ProcessorRequest,
};
pub use inspection::{Inspection, InspectionListAnswer, InspectionListQuery};
pub use list::{CursorPage, LIMIT_DEFAULT, LIMIT_MAX, MessageAnswer};
pub use oauth::{
    ExchangeCodeAnswer, ExchangeCodeRequest, Membership, MembershipCompany, OauthScope, Pagination,
    RefreshTokenAnswer, RefreshTokenRequest, Role, UserInspection, UserInspectionConsumer,
    UserInspectionListAnswer, UserInspectionListQuery, UserInspectionProducer, UserInspectionUser,
    parse_oauth_scopes,
};
pub use patch::Patch;
pub use recovery::{
    RecoverCounts, RecoverDryRunAnswer, RecoverRequest, RecoverStatus, RecoverStatuses, Recovery,
    RecoveryState,
};
pub use report::{
    CreateReportAnswer, CreateReportRequest, PresignAnswer, PresignIdentity, PresignIdentityType,
    PresignRequest, ReportListAnswer, ReportRequest, ReportResult, ReportStatus,
};
pub use statistics::{
    BacklogItem, Bucket, FailedByClass, Figures, Percentiles, Resolution, StatisticsAnswer,
    StatisticsQuery,
};
pub use stream::{StreamCloseReason, StreamClosed, StreamQuery, StreamReady};
pub use template::TemplateListQuery;
pub use update::{GoodsRequest, UpdateInspectionRequest};
pub use webhook::{
    CreateWebhookAnswer, CreateWebhookRequest, DisableAfter, Ordering, PublicKeyShown,
    PublicKeysAnswer, RotateSecretAnswer, RotateSecretRequest, SecretAnswer, TestWebhookAnswer,
    TestWebhookRequest, TlsRequest, TlsShown, UpdateWebhookRequest, Webhook, WebhookHeaders,
    WebhookStatus,
};

#[cfg(test)]
mod tests;
