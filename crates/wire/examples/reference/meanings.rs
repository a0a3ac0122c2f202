//! What each field means, in the languages of the guide. The page is not written while a field has no row
//! here, or a row no field.

use heraldo_wire::event::EventType;

/// A sentence in both languages.
#[derive(Clone, Copy)]
pub struct Meaning {
    pub en: &'static str,
    pub es: &'static str,
}

pub struct Field {
    /// The type that has it; `payload` for those of the events themselves.
    pub owner: &'static str,
    pub name: &'static str,
    pub words: Meaning,
}

const fn field(
    owner: &'static str,
    name: &'static str,
    en: &'static str,
    es: &'static str,
) -> Field {
    let words = Meaning { en, es };
    Field { owner, name, words }
}

/// When an event fires.
pub const fn event(event: EventType) -> Meaning {
    match event {
        EventType::InspectionCreated => Meaning {
            en: "An inspection was created.",
            es: "Se creó una inspección.",
        },
        EventType::ChildrenInspectionCreated => Meaning {
            en: "An inspection was created from one that had expired; the payload is the new one's.",
            es: "Se creó una inspección a partir de otra que había expirado; el payload es el de la nueva.",
        },
        EventType::InspectionStarted => Meaning {
            en: "The consumer entered the right access code.",
            es: "El consumidor ingresó el código de acceso correcto.",
        },
        EventType::ImageProcessed => Meaning {
            en: "A photo was processed and all its validations ended. `type` is what the photo belongs to, \
                 and the key of the same name holds it.",
            es: "Se procesó una foto y terminaron todas sus validaciones. `type` es aquello a lo que \
                 pertenece la foto, y la clave del mismo nombre la contiene.",
        },
        EventType::ExtraImageProcessed => Meaning {
            en: "The same for a photo of a side that the template does not ask for.",
            es: "Lo mismo para una foto de un lado que la plantilla no pide.",
        },
        EventType::InspectionBlocked => Meaning {
            en: "An inspection was blocked: it expired before it was started, or its access attempts are \
                 spent.",
            es: "Se bloqueó una inspección: expiró antes de comenzar, o se agotaron los intentos del código \
                 de acceso.",
        },
        EventType::InspectionCompleted => Meaning {
            en: "An inspection is finished, all its photos are processed and its verdict is known.",
            es: "Una inspección terminó, se procesaron todas sus fotos y se conoce su veredicto.",
        },
        EventType::InspectionReviewed => Meaning {
            en: "The result of a completed inspection was changed.",
            es: "Se cambió el resultado de una inspección completada.",
        },
        EventType::WebhookDisabled => Meaning {
            en: "Another webhook of the company was disabled, by hand or because of its receiver. Only those \
                 that ask for it get it; it is about no inspection.",
            es: "Se deshabilitó otro webhook de la empresa, a mano o por su receptor. Solo lo reciben los que \
                 lo piden; no trata de ninguna inspección.",
        },
    }
}

pub const FIELDS: &[Field] = &[
    field("payload", "_id", "The inspection.", "La inspección."),
    field(
        "payload",
        "status",
        "Where it stands after this event.",
        "En qué estado queda después de este evento.",
    ),
    field(
        "payload",
        "veredict",
        "Its result; the spelling is that of the wire.",
        "Su resultado; se escribe así.",
    ),
    field("payload", "producer", "Who made it.", "Quién la produjo."),
    field(
        "payload",
        "type",
        "What is inspected; in the two events about photos, what the photo belongs to.",
        "Qué se inspecciona; en los dos eventos de fotos, a qué pertenece la foto.",
    ),
    field(
        "payload",
        "metadata",
        "Your own data, as you sent it when you created it.",
        "Sus propios datos, tal como los envió al crearla.",
    ),
    field(
        "payload",
        "testing",
        "It was made with a test key.",
        "Se creó con una clave de prueba.",
    ),
    field(
        "payload",
        "template",
        "The template that it was made with.",
        "La plantilla con la que se creó.",
    ),
    field(
        "payload",
        "magicLink",
        "The consumer's link, with the access code in it.",
        "El enlace del consumidor, con el código de acceso.",
    ),
    field(
        "payload",
        "parentInspectionId",
        "The expired inspection that it was made from.",
        "La inspección expirada a partir de la cual se creó.",
    ),
    field(
        "payload",
        "blockedReason",
        "Why it was blocked.",
        "Por qué se bloqueó.",
    ),
    field(
        "payload",
        "product",
        "The product of the photo.",
        "El producto de la foto.",
    ),
    field(
        "payload",
        "identity",
        "The person, with photos and inputs; in the events about photos only the photo.",
        "La persona, con fotos y datos; en los eventos de fotos, solo la foto.",
    ),
    field(
        "payload",
        "custom",
        "The section of the `custom` type, with photos and inputs; in the events about photos only the photo.",
        "La sección del tipo `custom`, con fotos y datos; en los eventos de fotos, solo la foto.",
    ),
    field(
        "payload",
        "inspectionType",
        "What is inspected.",
        "Qué se inspecciona.",
    ),
    field(
        "payload",
        "products",
        "What was inspected.",
        "Lo que se inspeccionó.",
    ),
    field(
        "payload",
        "completedBy",
        "Who ended it: the client, or its expiry.",
        "Quién la terminó: el cliente, o su vencimiento.",
    ),
    field(
        "payload",
        "truncated",
        "Only when something was left out to keep the body below 100,000 bytes; read the inspection.",
        "Solo si algo quedó afuera para que el cuerpo no pase de 100.000 bytes; lee la inspección.",
    ),
    field("Producer", "userId", "The user.", "El usuario."),
    field(
        "Producer",
        "membershipId",
        "The user's place in the company; only in the two created events, as the four after it.",
        "El lugar del usuario en la empresa; solo en los dos eventos de creación, como los cuatro que siguen.",
    ),
    field("Producer", "companyId", "The company.", "La empresa."),
    field(
        "Producer",
        "firstName",
        "The user's first name.",
        "El nombre del usuario.",
    ),
    field(
        "Producer",
        "lastName",
        "The user's last name.",
        "El apellido del usuario.",
    ),
    field(
        "Producer",
        "username",
        "The user's name in Heraldo.",
        "El nombre de usuario en Heraldo.",
    ),
    field(
        "Producer",
        "email",
        "The user's e-mail address.",
        "El correo del usuario.",
    ),
    field(
        "Producer",
        "internalId",
        "Your own id of the producer, when you gave one.",
        "Su propio id del productor, si lo dio.",
    ),
    field(
        "TemplateHead",
        "name",
        "Its name; of a built-in one the alias, such as `easy`.",
        "Su nombre; en una incorporada, el alias, como `easy`.",
    ),
    field(
        "TemplateHead",
        "type",
        "Built in, or made by the company.",
        "Incorporada, o creada por la empresa.",
    ),
    field("TemplateHead", "_id", "The template.", "La plantilla."),
    field("ProductImage", "_id", "The product.", "El producto."),
    field(
        "ProductImage",
        "image",
        "The photo: always exactly one.",
        "La foto: siempre exactamente una.",
    ),
    field("SectionImage", "image", "The photo.", "La foto."),
    field("Image", "_id", "The photo.", "La foto."),
    field(
        "Image",
        "target",
        "Only on extra photos: what it belongs to.",
        "Solo en fotos extra: a qué pertenece.",
    ),
    field(
        "Image",
        "side",
        "What it shows, such as `front`; an open list.",
        "Lo que muestra, como `front`; una lista abierta.",
    ),
    field(
        "Image",
        "processed",
        "All its validations ended.",
        "Terminaron todas sus validaciones.",
    ),
    field(
        "Image",
        "approved",
        "Every required validation is valid.",
        "Todas las validaciones requeridas son válidas.",
    ),
    field(
        "Image",
        "uploadedAt",
        "When it was uploaded.",
        "Cuándo se subió.",
    ),
    field(
        "Image",
        "src",
        "Where it can be fetched for some time, without the place where it was taken.",
        "Dónde se puede descargar por un tiempo, sin el lugar donde se tomó.",
    ),
    field(
        "Image",
        "generatedBy",
        "What asked for it; absent in the events about photos.",
        "Qué la pidió; no está en los eventos de fotos.",
    ),
    field(
        "Image",
        "validations",
        "What was checked on it. Only checks that were carried out are here.",
        "Lo que se verificó en ella. Solo están las verificaciones que se hicieron.",
    ),
    field(
        "Image",
        "damages",
        "Damages that an outside processor reported.",
        "Daños que informó un procesador externo.",
    ),
    field(
        "Validation",
        "_id",
        "This validation of this photo.",
        "Esta validación de esta foto.",
    ),
    field(
        "Validation",
        "type",
        "Its name. Heraldo makes `date`, `distance`, `sharpness`, `exposure`, `resolution` and `duplicate` itself; `readable` says that the photo cannot be decoded; every other comes from an outside processor.",
        "Su nombre. Heraldo hace `date`, `distance`, `sharpness`, `exposure`, `resolution` y `duplicate`; `readable` dice que la foto no se puede leer; cualquier otra viene de un procesador externo.",
    ),
    field("Validation", "valid", "Whether it holds.", "Si se cumple."),
    field(
        "Validation",
        "confidence",
        "From 0 to 1; 0 also says that nobody looked.",
        "De 0 a 1; 0 también dice que nadie miró.",
    ),
    field(
        "Damage",
        "part",
        "The damaged part, such as `frontBumper`; an open list.",
        "La parte dañada, como `frontBumper`; una lista abierta.",
    ),
    field(
        "Damage",
        "type",
        "The kind of damage, such as `scratch`.",
        "El tipo de daño, como `scratch`.",
    ),
    field(
        "Damage",
        "percentage",
        "How much of the part is damaged, from 0 to 100.",
        "Qué parte está dañada, de 0 a 100.",
    ),
    field("Product", "_id", "The product.", "El producto."),
    field(
        "Product",
        "type",
        "What is inspected.",
        "Qué se inspecciona.",
    ),
    field(
        "Product",
        "images",
        "Photos that the template asks for; of one side the newest counts.",
        "Fotos que la plantilla pide; de un mismo lado cuenta la más nueva.",
    ),
    field(
        "Product",
        "extraImages",
        "Photos that it does not ask for.",
        "Fotos que no pide.",
    ),
    field(
        "Product",
        "inputs",
        "What was asked beside the photos.",
        "Lo que se preguntó además de las fotos.",
    ),
    field(
        "Product",
        "attributes",
        "What was declared of it; only when the inspection is retrieved.",
        "Lo que se declaró de él; solo al consultar la inspección.",
    ),
    field(
        "Input",
        "identifier",
        "Names the input in requests.",
        "Nombra el dato en las solicitudes.",
    ),
    field(
        "Input",
        "label",
        "What people see.",
        "Lo que ven las personas.",
    ),
    field(
        "Input",
        "type",
        "What kind of value it takes.",
        "Qué tipo de valor recibe.",
    ),
    field(
        "Input",
        "value",
        "The value; of a file, where it can be fetched.",
        "El valor; de un archivo, dónde se puede descargar.",
    ),
    field(
        "Identity",
        "firstName",
        "The consumer's first name.",
        "El nombre del consumidor.",
    ),
    field(
        "Identity",
        "lastName",
        "The consumer's last name.",
        "El apellido del consumidor.",
    ),
    field(
        "Identity",
        "identification",
        "The number of an identity document.",
        "El número de un documento de identidad.",
    ),
    field(
        "Identity",
        "email",
        "The consumer's e-mail address.",
        "El correo del consumidor.",
    ),
    field(
        "Identity",
        "phone",
        "The consumer's telephone.",
        "El teléfono del consumidor.",
    ),
    field(
        "Identity",
        "birthdate",
        "The consumer's date of birth, as it was sent.",
        "La fecha de nacimiento, como se envió.",
    ),
    field(
        "Identity",
        "sex",
        "The consumer's sex.",
        "El sexo del consumidor.",
    ),
    field(
        "Identity",
        "country",
        "The consumer's country.",
        "El país del consumidor.",
    ),
    field(
        "Identity",
        "state",
        "The consumer's state or province.",
        "El estado o la provincia del consumidor.",
    ),
    field(
        "Identity",
        "city",
        "The consumer's city.",
        "La ciudad del consumidor.",
    ),
    field(
        "Identity",
        "address",
        "The consumer's address.",
        "La dirección del consumidor.",
    ),
    field(
        "Identity",
        "images",
        "Photos of the person that the template asks for.",
        "Fotos de la persona que la plantilla pide.",
    ),
    field(
        "Identity",
        "inputs",
        "What was asked beside the photos.",
        "Lo que se preguntó además de las fotos.",
    ),
    field(
        "Identity",
        "extraImages",
        "Photos that it does not ask for.",
        "Fotos que no pide.",
    ),
    field(
        "Section",
        "images",
        "Photos that the template asks for.",
        "Fotos que la plantilla pide.",
    ),
    field(
        "Section",
        "inputs",
        "What was asked beside the photos.",
        "Lo que se preguntó además de las fotos.",
    ),
    field(
        "Section",
        "extraImages",
        "Photos that it does not ask for.",
        "Fotos que no pide.",
    ),
    field(
        "webhook",
        "_id",
        "The webhook that was disabled. The delivery's `inspectionId` holds the same id.",
        "El webhook que se deshabilitó. El `inspectionId` de la entrega tiene el mismo id.",
    ),
    field("webhook", "endpoint", "Its endpoint.", "Su dirección."),
    field(
        "webhook",
        "description",
        "Its description; null if it has none.",
        "Su descripción; null si no tiene.",
    ),
    field(
        "webhook",
        "reason",
        "`manual`: somebody did it; `gone`: its receiver answered 410; `failing`: its receiver took nothing \
         for too long.",
        "`manual`: lo hizo alguien; `gone`: su receptor respondió 410; `failing`: su receptor no recibió nada \
         durante demasiado tiempo.",
    ),
    field(
        "webhook",
        "detail",
        "The reason in words, with what to do.",
        "El motivo en palabras, con lo que hay que hacer.",
    ),
    field(
        "webhook",
        "disabledAt",
        "When it was disabled.",
        "Cuándo se deshabilitó.",
    ),
    field(
        "webhook",
        "failingSince",
        "When the first failure after the last success began; null unless it was failing.",
        "Cuándo empezó el primer fallo tras la última entrega lograda; null si no venía fallando.",
    ),
];
