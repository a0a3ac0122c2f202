//! What a sheet says in each language.

use heraldo_wire::event::EventType;
use heraldo_wire::object::{
    BlockedReason, CompletedBy, InspectionStatus, InspectionType, Sex, Veredict,
};

/// The languages of what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Spanish,
    English,
}

impl Language {
    /// The language of a tag such as `es_AR` or `en-GB`; `None` when it is neither.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let word = tag.trim().split(['-', '_']).next()?;
        match word.to_ascii_lowercase().as_str() {
            "es" => Some(Self::Spanish),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// The language of a locale such as `es_AR`; Spanish when it is neither.
    #[must_use]
    pub fn of_locale(locale: &str) -> Self {
        Self::of_tag(locale).unwrap_or(Self::Spanish)
    }

    /// The one that a browser likes best, as its `Accept-Language` says; Spanish when it names neither.
    #[must_use]
    pub fn accepted(header: &str) -> Self {
        let mut best = (Self::Spanish, 0.0);
        for range in header.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let Some(language) = parts.next().and_then(Self::of_tag) else {
                continue;
            };
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let quality = quality.map_or(Some(1.0), |text| text.parse::<f32>().ok());
            if let Some(quality) = quality.filter(|quality| *quality > best.1) {
                best = (language, quality);
            }
        }
        best.0
    }

    #[must_use]
    pub const fn tag(self) -> &'static str {
        self.say("es", "en")
    }

    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Spanish => Self::English,
            Self::English => Self::Spanish,
        }
    }

    /// The text of this language.
    #[must_use]
    pub const fn say(self, spanish: &'static str, english: &'static str) -> &'static str {
        match self {
            Self::Spanish => spanish,
            Self::English => english,
        }
    }

    pub(super) const fn yes_no(self, yes: bool) -> &'static str {
        if yes { self.say("Sí", "Yes") } else { "No" }
    }

    #[must_use]
    pub const fn kind(self, kind: InspectionType) -> &'static str {
        match kind {
            InspectionType::Car => self.say("Auto", "Car"),
            InspectionType::Moto => self.say("Moto", "Motorcycle"),
            InspectionType::Bike => self.say("Bicicleta", "Bicycle"),
            InspectionType::Machinery => self.say("Maquinaria", "Machinery"),
            InspectionType::Goods => self.say("Bienes", "Goods"),
            InspectionType::People => self.say("Persona", "Person"),
            InspectionType::Custom => self.say("Personalizada", "Custom"),
            InspectionType::Cellphone => self.say("Celular", "Cellphone"),
        }
    }

    #[must_use]
    pub const fn status(self, status: InspectionStatus) -> &'static str {
        match status {
            InspectionStatus::Created => self.say("Creada", "Created"),
            InspectionStatus::Started => self.say("Iniciada", "Started"),
            InspectionStatus::Processing => self.say("En proceso", "Processing"),
            InspectionStatus::Completed => self.say("Completada", "Completed"),
            InspectionStatus::Blocked => self.say("Bloqueada", "Blocked"),
        }
    }

    #[must_use]
    pub const fn veredict(self, veredict: Veredict) -> &'static str {
        match veredict {
            Veredict::Approved => self.say("Aprobada", "Approved"),
            Veredict::Disapproved => self.say("Desaprobada", "Disapproved"),
            Veredict::NotProvided => self.say("Sin fotos que juzgar", "No photos to judge"),
            Veredict::NotDefined => self.say("Todavía sin resultado", "No result yet"),
        }
    }

    #[must_use]
    pub const fn completed_by(self, by: CompletedBy) -> &'static str {
        match by {
            CompletedBy::Client => self.say("La empresa o la persona", "The company or the person"),
            CompletedBy::Expiration => self.say("Vencimiento", "Expiry"),
        }
    }

    #[must_use]
    pub const fn blocked(self, reason: BlockedReason) -> &'static str {
        match reason {
            BlockedReason::Expired => self.say("Venció", "It expired"),
            BlockedReason::MaxAttempts => self.say(
                "Demasiados códigos de acceso equivocados",
                "Too many wrong access codes",
            ),
        }
    }

    pub(super) const fn sex(self, sex: Sex) -> &'static str {
        match sex {
            Sex::Male => self.say("Masculino", "Male"),
            Sex::Female => self.say("Femenino", "Female"),
            Sex::NotApplicable => self.say("No corresponde", "Not applicable"),
        }
    }

    /// `None`: too small for a time line, or about no inspection.
    pub(super) const fn event(self, event: EventType) -> Option<&'static str> {
        Some(match event {
            EventType::InspectionCreated => self.say("Inspección creada", "Inspection created"),
            EventType::ChildrenInspectionCreated => self.say(
                "Inspección creada a partir de una vencida",
                "Inspection created from one that expired",
            ),
            EventType::InspectionStarted => self.say("Inspección iniciada", "Inspection started"),
            EventType::InspectionBlocked => self.say("Inspección bloqueada", "Inspection blocked"),
            EventType::InspectionCompleted => {
                self.say("Inspección completada", "Inspection completed")
            }
            EventType::InspectionReviewed => self.say(
                "Resultado cambiado en una revisión",
                "Result changed by a review",
            ),
            EventType::ImageProcessed
            | EventType::ExtraImageProcessed
            | EventType::WebhookDisabled => return None,
        })
    }

    /// What a side is called; one that is not known here is called as its template does, in words.
    #[must_use]
    pub fn side(self, side: &str) -> String {
        let known = match side {
            "front" => self.say("Frente", "Front"),
            "back" => self.say("Parte de atrás", "Back"),
            "sideLeft" => self.say("Lado izquierdo", "Left side"),
            "sideRight" => self.say("Lado derecho", "Right side"),
            "board" => self.say("Tablero", "Dashboard"),
            "chassis" => self.say("Chasis", "Chassis"),
            "chassis_number" => self.say("Número de chasis", "Chassis number"),
            "serial_number" => self.say("Número de serie", "Serial number"),
            "tank" => self.say("Tanque", "Tank"),
            "selfie" => self.say("Selfi", "Selfie"),
            "dni" | "id" => self.say("Documento de identidad", "Identity document"),
            "roof" => self.say("Techo", "Roof"),
            "hood" => self.say("Capó", "Hood"),
            "windShield" => self.say("Parabrisas", "Windshield"),
            "backWindow" => self.say("Luneta", "Back window"),
            "frontBumper" => self.say("Paragolpes delantero", "Front bumper"),
            "backBumper" => self.say("Paragolpes trasero", "Back bumper"),
            "frontLeftDoor" => self.say("Puerta delantera izquierda", "Front left door"),
            "frontRightDoor" => self.say("Puerta delantera derecha", "Front right door"),
            "backLeftDoor" => self.say("Puerta trasera izquierda", "Back left door"),
            "backRightDoor" => self.say("Puerta trasera derecha", "Back right door"),
            "wheel" => self.say("Rueda", "Wheel"),
            "seat" => self.say("Asiento", "Seat"),
            "handlebar" => self.say("Manubrio", "Handlebar"),
            "headOptic" => self.say("Óptica delantera", "Head light"),
            "tailOptic" => self.say("Óptica trasera", "Tail light"),
            "cabin" => self.say("Cabina", "Cabin"),
            other => return in_words(other),
        };
        known.to_owned()
    }

    /// What a check of a photo is called; one of an outside processor is called as it calls it, in words.
    #[must_use]
    pub fn check(self, check: &str) -> String {
        let known = match check {
            "date" => self.say("Fecha", "Date"),
            "distance" => self.say("Distancia", "Distance"),
            "sharpness" => self.say("Nitidez", "Sharpness"),
            "exposure" => self.say("Exposición", "Exposure"),
            "resolution" => self.say("Resolución", "Resolution"),
            "duplicate" => self.say("Foto nueva", "New photo"),
            "readable" => self.say("Archivo legible", "Readable file"),
            "recaptured" => self.say("Foto directa", "Direct photo"),
            "damage" => self.say("Daños", "Damage"),
            other => {
                let attribute = self.attribute(other);
                return if attribute == other {
                    in_words(other)
                } else {
                    attribute
                };
            }
        };
        known.to_owned()
    }

    /// What an attribute of an inspected thing is called; one that is not known here as it was declared.
    #[must_use]
    pub fn attribute(self, name: &str) -> String {
        let known = match name {
            "plate" => self.say("Patente", "Plate"),
            "make" | "brand" => self.say("Marca", "Make"),
            "model" => self.say("Modelo", "Model"),
            "version" => self.say("Versión", "Version"),
            "year" => self.say("Año", "Year"),
            "color" => self.say("Color", "Colour"),
            "type" => self.say("Tipo", "Type"),
            "use" => self.say("Uso", "Use"),
            "purpose" => self.say("Finalidad", "Purpose"),
            // Misspelt by the API itself.
            "milage" | "mileage" => self.say("Kilometraje", "Mileage"),
            "vin" | "chassis" | "chassisNumber" => self.say("Número de chasis", "Chassis number"),
            "engineNumber" => self.say("Número de motor", "Engine number"),
            "price" => self.say("Precio", "Price"),
            "serialNumber" => self.say("Número de serie", "Serial number"),
            "name" => self.say("Nombre", "Name"),
            "description" => self.say("Descripción", "Description"),
            other => other,
        };
        known.to_owned()
    }

    /// A locale as people read it: `Español (es_AR)`; one of another language as it is.
    #[must_use]
    pub fn locale(self, locale: &str) -> String {
        match Self::of_tag(locale) {
            Some(Self::Spanish) => format!("{} ({locale})", self.say("Español", "Spanish")),
            Some(Self::English) => format!("{} ({locale})", self.say("Inglés", "English")),
            None => locale.to_owned(),
        }
    }

    /// So many of a hundred.
    pub(super) fn percent(self, percent: f64) -> String {
        format!("{percent:.0}{}", self.say(" %", "%"))
    }

    /// What a check of a photo asks.
    #[must_use]
    pub const fn asks(self, check: &str) -> &'static str {
        match check.as_bytes() {
            b"date" => self.say(
                "se tomó entre 24 horas antes y 5 minutos después de enviarla",
                "it was taken from 24 hours before to 5 minutes after it was sent",
            ),
            b"distance" => self.say(
                "se tomó cerca de las demás fotos de la inspección",
                "it was taken near the other photos of the inspection",
            ),
            b"sharpness" => self.say("es nítida", "it is sharp"),
            b"exposure" => self.say(
                "no está casi toda negra ni casi toda blanca",
                "it is neither nearly all black nor nearly all white",
            ),
            b"resolution" => self.say(
                "tiene al menos 480 píxeles en su lado menor",
                "its shorter edge has at least 480 pixels",
            ),
            b"duplicate" => self.say(
                "no repite una foto anterior de la empresa",
                "it does not repeat an earlier photo of the company",
            ),
            b"readable" => self.say(
                "el archivo se puede leer como foto",
                "the file can be read as a photo",
            ),
            b"recaptured" => self.say(
                "no es la foto de una pantalla o de otra foto",
                "it is not a photo of a screen or of another photo",
            ),
            _ => self.say(
                "lo que dice el verificador externo",
                "what the outside processor says",
            ),
        }
    }
}

/// `rearMirror_left` is `Rear mirror left`.
fn in_words(side: &str) -> String {
    let mut words = String::new();
    for letter in side.chars() {
        if words.is_empty() {
            words.extend(letter.to_uppercase());
        } else if letter == '_' || letter == '-' {
            words.push(' ');
        } else if letter.is_uppercase() {
            words.push(' ');
            words.extend(letter.to_lowercase());
        } else {
            words.push(letter);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_told_by_the_start_of_its_tag() {
        for (tag, language) in [
            ("es", Some(Language::Spanish)),
            ("es_AR", Some(Language::Spanish)),
            (" EN-gb", Some(Language::English)),
            ("english", None),
            ("pt-BR", None),
            ("", None),
        ] {
            assert_eq!(Language::of_tag(tag), language, "{tag}");
        }
    }

    #[test]
    fn every_side_of_the_built_in_templates_has_a_name_in_both_languages() {
        for template in crate::template::built_ins() {
            for image in &template.images {
                let [spanish, english] =
                    [Language::Spanish, Language::English].map(|one| one.side(&image.side));
                assert_ne!(spanish, english, "{}", image.side);
            }
        }
        assert_eq!(
            Language::English.side("rearMirror_left"),
            "Rear mirror left"
        );
        assert_eq!(Language::Spanish.side("front"), "Frente");
    }

    #[test]
    fn the_language_is_the_one_liked_best() {
        for (header, expected) in [
            ("", Language::Spanish),
            ("de", Language::Spanish),
            ("en-GB,en;q=0.9,es;q=0.8", Language::English),
            ("en;q=0.3, es-AR;q=0.7", Language::Spanish),
            ("en;q=none", Language::Spanish),
        ] {
            assert_eq!(Language::accepted(header), expected, "{header}");
        }
        assert_eq!(Language::of_locale("en_US"), Language::English);
        assert_eq!(Language::of_locale("es_AR"), Language::Spanish);
        assert_eq!(Language::of_locale("pt-BR"), Language::Spanish);
    }
}
