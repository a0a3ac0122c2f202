//! The payload of the two image events, in which `type` is the target of the photo (contract 3.5).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{InspectionId, ProductId};
use crate::object::{Image, ImageTarget, InspectionType, Metadata, Producer, schema_of};

/// Payload of `image_processed` and `extra_image_processed`: one photo.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Fields")]
pub struct ImageProcessed {
    /// The inspection.
    pub id: InspectionId,
    /// The part of the inspection that the photo belongs to, and the photo.
    pub owner: ImageOwner,
    /// [`Producer::brief`].
    pub producer: Producer,
    pub metadata: Metadata,
    pub inspection_type: InspectionType,
}

/// The part of an inspection that a photo belongs to, and the photo.
#[derive(Debug, Clone, PartialEq)]
pub enum ImageOwner {
    Product { id: ProductId, image: Box<Image> },
    Identity { image: Box<Image> },
    Custom { image: Box<Image> },
}

impl ImageOwner {
    /// The value of `payload.type`.
    #[must_use]
    pub const fn target(&self) -> ImageTarget {
        match self {
            Self::Product { .. } => ImageTarget::Product,
            Self::Identity { .. } => ImageTarget::Identity,
            Self::Custom { .. } => ImageTarget::Custom,
        }
    }

    /// The photo.
    #[must_use]
    pub fn image(&self) -> &Image {
        match self {
            Self::Product { image, .. } | Self::Identity { image } | Self::Custom { image } => {
                image
            }
        }
    }
}

/// The payload key by key, in the documented order.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(rename = "_id")]
    id: InspectionId,
    #[serde(rename = "type")]
    target: ImageTarget,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    product: Option<ProductImage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<SectionImage>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom: Option<SectionImage>,
    producer: Producer,
    metadata: Metadata,
    inspection_type: InspectionType,
}

#[derive(Serialize, Deserialize, utoipa::ToSchema)]
struct ProductImage {
    #[serde(rename = "_id")]
    id: ProductId,
    /// Exactly one photo.
    #[serde(
        serialize_with = "write_product_image",
        deserialize_with = "read_product_image"
    )]
    #[schema(value_type = Vec<Image>)]
    image: Box<Image>,
}

#[derive(Serialize, Deserialize, utoipa::ToSchema)]
struct SectionImage {
    #[schema(value_type = Image)]
    image: Box<Image>,
}

/// The photo of a product is an array of one, as the published type says (contract C6). Should a capture
/// of real traffic ever show an object, this is the only place that changes.
#[expect(clippy::borrowed_box, reason = "the signature that serde calls")]
fn write_product_image<S: Serializer>(
    image: &Box<Image>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    [image].serialize(serializer)
}

/// Reads the array of one, and the bare object as well.
fn read_product_image<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Image>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Shape {
        Array([Box<Image>; 1]),
        Object(Box<Image>),
    }
    Ok(match Shape::deserialize(deserializer)? {
        Shape::Array([image]) | Shape::Object(image) => image,
    })
}

schema_of!(ImageProcessed, Fields);

impl TryFrom<Fields> for ImageProcessed {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let missing = || {
            format!(
                "`type` is `{0}`, but the key `{0}` is missing",
                fields.target
            )
        };
        let owner = match fields.target {
            ImageTarget::Product => fields.product.map(|product| ImageOwner::Product {
                id: product.id,
                image: product.image,
            }),
            ImageTarget::Identity => fields.identity.map(|section| ImageOwner::Identity {
                image: section.image,
            }),
            ImageTarget::Custom => fields.custom.map(|section| ImageOwner::Custom {
                image: section.image,
            }),
        };
        Ok(Self {
            id: fields.id,
            owner: owner.ok_or_else(missing)?,
            producer: fields.producer,
            metadata: fields.metadata,
            inspection_type: fields.inspection_type,
        })
    }
}

impl Serialize for ImageProcessed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields {
            id: self.id,
            target: self.owner.target(),
            product: None,
            identity: None,
            custom: None,
            producer: self.producer.clone(),
            metadata: self.metadata.clone(),
            inspection_type: self.inspection_type,
        };
        match self.owner.clone() {
            ImageOwner::Product { id, image } => fields.product = Some(ProductImage { id, image }),
            ImageOwner::Identity { image } => fields.identity = Some(SectionImage { image }),
            ImageOwner::Custom { image } => fields.custom = Some(SectionImage { image }),
        }
        fields.serialize(serializer)
    }
}
