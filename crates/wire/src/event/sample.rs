//! A realistic event of each type, for test events, `heraldo trigger` and the documentation.

use super::{
    ChildrenInspectionCreated, DisabledReason, Event, EventType, Head, ImageOwner, ImageProcessed,
    InspectionBlocked, InspectionCompleted, InspectionCreated, InspectionStarted, WebhookDisabled,
};
use crate::id::{Id, ImageId, InspectionId, ProductId, ValidationId, WebhookId};
use crate::object::{
    BlockedReason, CompletedBy, Consumer, Damage, GeneratedBy, Identity, Image, Input, InputType,
    InspectionStatus, InspectionType, Metadata, Producer, Product, Section, TemplateHead,
    Validation, Veredict,
};
use crate::time::Timestamp;

/// What a sample takes from its surroundings: this crate has neither clock nor dice.
#[derive(Debug, Clone)]
pub struct Sample {
    pub inspection_id: InspectionId,
    /// The product, the photo, its validations and the parent inspection get ids that follow this one.
    pub first_part_id: Id,
    /// Shown whole in the created events, brief in the others.
    pub producer: Producer,
    pub template: TemplateHead,
    pub metadata: Metadata,
    /// When the photo was uploaded.
    pub at: Timestamp,
    /// What links start with, without a slash at the end.
    pub public_url: String,
    /// Four digits, as they stand in the magic link.
    pub access_code: String,
}

/// A realistic event of this type about a car, marked `testing`.
#[must_use]
pub fn sample(event: EventType, from: &Sample) -> Event {
    match event {
        EventType::InspectionCreated => Event::InspectionCreated(InspectionCreated {
            head: from.head_of_created(),
            magic_link: from.magic_link(),
        }),
        EventType::ChildrenInspectionCreated => {
            Event::ChildrenInspectionCreated(ChildrenInspectionCreated {
                head: from.head_of_created(),
                magic_link: from.magic_link(),
                parent_inspection_id: InspectionId(from.part(4)),
            })
        }
        EventType::InspectionStarted => Event::InspectionStarted(InspectionStarted {
            head: from.head(InspectionStatus::Started),
        }),
        EventType::ImageProcessed => Event::ImageProcessed(from.image_event("front")),
        EventType::ExtraImageProcessed => Event::ExtraImageProcessed(from.image_event("tailgate")),
        EventType::InspectionBlocked => Event::InspectionBlocked(InspectionBlocked {
            head: from.head(InspectionStatus::Blocked),
            blocked_reason: BlockedReason::MaxAttempts,
        }),
        EventType::InspectionCompleted => {
            Event::InspectionCompleted(from.completed(Veredict::Approved))
        }
        EventType::InspectionReviewed => {
            Event::InspectionReviewed(from.completed(Veredict::Disapproved))
        }
        EventType::WebhookDisabled => Event::WebhookDisabled(from.webhook_disabled()),
    }
}

impl Sample {
    fn part(&self, number: u64) -> Id {
        let first = self.first_part_id;
        Id::from_parts(first.key().wrapping_add(number), first.tail())
    }

    fn head_of_created(&self) -> Head {
        Head {
            producer: self.producer.clone(),
            ..self.head(InspectionStatus::Created)
        }
    }

    fn head(&self, status: InspectionStatus) -> Head {
        Head {
            id: self.inspection_id,
            status,
            veredict: None,
            producer: self.producer.brief(),
            kind: InspectionType::Car,
            metadata: self.metadata.clone(),
            testing: true,
            template: self.template.clone(),
        }
    }

    fn magic_link(&self) -> String {
        format!(
            "{}/inspection/{}?accessCode={}",
            self.public_url, self.inspection_id, self.access_code
        )
    }

    fn image(&self, side: &str) -> Image {
        let id = ImageId(self.part(1));
        let validation = |number, kind: &str, confidence| Validation {
            id: ValidationId(self.part(number)),
            kind: kind.to_owned(),
            valid: true,
            confidence,
        };
        Image {
            id,
            target: None,
            side: side.to_owned(),
            processed: true,
            approved: true,
            uploaded_at: self.at,
            src: format!("{}/files/{id}.jpg", self.public_url),
            generated_by: None,
            validations: vec![validation(2, "date", 1.0), validation(3, "distance", 0.94)],
            damages: Some(Vec::new()),
        }
    }

    /// About a webhook that does not exist.
    fn webhook_disabled(&self) -> WebhookDisabled {
        const DAY_MS: i64 = 86_400_000;
        let days_ago = |days| Timestamp::from_millis(self.at.as_millis() - days * DAY_MS);
        WebhookDisabled {
            id: WebhookId(self.part(0)),
            endpoint: "https://receiver.example.com/webhook".to_owned(),
            description: Some("a sample".to_owned()),
            reason: DisabledReason::Failing,
            detail: "this is a sample; no webhook was disabled".to_owned(),
            disabled_at: self.at,
            failing_since: Some(days_ago(5)),
        }
    }

    fn image_event(&self, side: &str) -> ImageProcessed {
        ImageProcessed {
            id: self.inspection_id,
            owner: ImageOwner::Product {
                id: ProductId(self.part(0)),
                image: Box::new(self.image(side)),
            },
            producer: self.producer.brief(),
            metadata: self.metadata.clone(),
            inspection_type: InspectionType::Car,
        }
    }

    fn completed(&self, veredict: Veredict) -> InspectionCompleted {
        let image = Image {
            generated_by: Some(GeneratedBy::Configuration),
            damages: Some(vec![Damage {
                part: "frontBumper".to_owned(),
                kind: "scratch".to_owned(),
                percentage: 3.5,
            }]),
            ..self.image("front")
        };
        let input = Input {
            identifier: "input_0f6c2d8e-55aa-4b0e-9a57-6b1d2f3c4e5f".to_owned(),
            label: "Plan".to_owned(),
            kind: InputType::Text,
            value: Some("Oro".into()),
        };
        InspectionCompleted {
            head: Head {
                veredict: Some(veredict),
                ..self.head(InspectionStatus::Completed)
            },
            products: vec![Product {
                id: ProductId(self.part(0)),
                kind: InspectionType::Car,
                images: vec![image],
                extra_images: Vec::new(),
                inputs: vec![input],
                attributes: None,
            }],
            identity: Identity {
                consumer: Consumer {
                    first_name: Some("John".to_owned()),
                    last_name: Some("Doe".to_owned()),
                    identification: Some("30111222".to_owned()),
                    email: Some("johndoe@example.com".to_owned()),
                    ..Consumer::default()
                },
                section: Section::default(),
            },
            custom: Section::default(),
            completed_by: CompletedBy::Client,
            truncated: false,
        }
    }
}
