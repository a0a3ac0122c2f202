//! The receiver of a webhook: code to copy, and what is wrong with a signature.

use heraldo_domain::diagnosis::{DIGITS, Fault, Malformed};

use super::{Words, words};

words! {
    receiver: "Receptor", "Receiver";
    receiver_code: "Un receptor para este webhook", "A receiver for this webhook";
    receiver_text: "Un archivo que escucha en la ruta de este endpoint, comprueba autoinspector-signature con el cuerpo exacto y responde. El secreto va en la variable AUTOINSPECTOR_WEBHOOK_SECRET, nunca en el código.",
        "One file that listens at this endpoint's path, checks autoinspector-signature over the exact body, and answers. The secret goes into the variable AUTOINSPECTOR_WEBHOOK_SECRET, never into the code.";
    receiver_languages: "Lenguajes", "Languages";
    header_plain: "HMAC-SHA256 del cuerpo exacto con el secreto, en hexadecimal: lo que comprueba el SDK oficial, y el código de abajo.",
        "HMAC-SHA256 of the exact body with the secret, in hex: what the official SDK checks, and the code below.";
    header_standard: "La firma de Standard Webhooks sobre webhook-id.webhook-timestamp.cuerpo, que ata el cuerpo a su hora: v1, y un HMAC-SHA256 en base64; con dos secretos válidos lleva dos.",
        "That of Standard Webhooks over webhook-id.webhook-timestamp.body, which ties the body to its time: v1, and an HMAC-SHA256 in base64; while two secrets are valid it carries two.";
    receiver_pair: "También v1a, y una firma Ed25519 de lo mismo, que se verifica con la clave pública.",
        "Also v1a, and an Ed25519 signature of the same, which is verified with the public key.";
    verifier_title: "Verificar v1a con la clave pública", "Verify v1a with the public key";
    verifier_text: "Quien verifica así no tiene nada con qué firmar. Mientras valen dos claves, van las dos, con un espacio entre ellas.",
        "Whoever verifies like this holds nothing to sign with. While two keys are valid, both go in, with a blank between them.";
    receiver_rust: "Con el paquete heraldo-wire de este repositorio, que verifica y lee los eventos.",
        "With the package heraldo-wire of this repository, which verifies and reads events.";
    check_title: "¿Qué le pasa a esta firma?", "What is wrong with this signature?";
    check_text: "Pega lo que llegó a tu receptor. Se compara con el secreto de este webhook y con los eventos enviados; no se guarda nada.",
        "Paste what came to your receiver. It is compared with this webhook's secret and the events that were sent; nothing is kept.";
    check_signature: "Firma, o todas las cabeceras", "Signature, or all headers";
    check_signature_hint: "El valor de autoinspector-signature. Para webhook-signature, también las líneas webhook-id y webhook-timestamp.",
        "The value of autoinspector-signature. For webhook-signature, the lines webhook-id and webhook-timestamp as well.";
    check_body: "Cuerpo, tal como lo ve tu código", "Body, as your code sees it";
    check_body_hint: "Lo que tu código pasa al HMAC: sin tocarlo ni darle formato.",
        "What your code gives to the HMAC: untouched, not formatted.";
    check_now: "Comprobar la firma", "Check the signature";
    signature_right: "La firma es correcta.", "The signature is right.";
    signature_wrong: "La firma no pasa, y se sabe por qué:", "The signature does not pass, and this is why:";
    signature_malformed: "Esto no puede ser una firma:", "This cannot be a signature:";
    signature_unknown: "La firma no es de este cuerpo con ningún secreto conocido.",
        "The signature is not this body's with any known secret.";
    signature_unknown_advice: "O tu código usa otro secreto (uno anterior, o el de otro entorno: muéstralo en la página del webhook y compara), o el cuerpo cambió tanto que ya no se reconoce: captura los bytes antes de cualquier parser.",
        "Either your code uses another secret (an older one, or one of another environment: reveal it on the webhook's page and compare), or the body has changed beyond recognition: take the bytes before any parser.";
    secret_wrong: "El cuerpo es de un evento enviado, pero la firma se hizo con otro secreto.",
        "The body is that of an event that was sent, but the signature was made with another secret.";
    secret_wrong_advice: "No es el de ahora, ni el anterior que se conserva, ni el de otro webhook. Muestra el secreto en la página del webhook y cópialo entero en tu receptor.",
        "It is neither the present one, nor the one before it that is kept, nor another webhook's. Reveal the secret on the webhook's page and copy the whole of it into your receiver.";
    made_with_previous: "Se hizo con el secreto anterior, que vale hasta", "It was made with the old secret, which is valid until";
    made_with_ended: "Se hizo con el secreto anterior, que dejó de valer: copia el nuevo. Terminó",
        "It was made with the old secret, which is no longer valid: copy the new one. It ended";
    made_without_prefix: "Se hizo con el secreto sin su comienzo whsec_, que es parte de él: usa el texto entero.",
        "It was made with the secret without its beginning whsec_, which belongs to it: use the whole text.";
    made_with_other: "Se hizo con el secreto de otro webhook de la empresa:", "It was made with the secret of another webhook of the company:";
    its_event: "El evento de esa firma o ese cuerpo", "The event of that signature or body";
}

impl Words {
    /// What is wrong, and what to do.
    pub fn fault(self, fault: &Fault) -> String {
        match fault {
            Fault::Prefix(prefix) => {
                let text = self.say(
                    "La firma empieza con algo que sobra; quítalo:",
                    "The signature begins with something that does not belong to it; take it away:",
                );
                return format!("{text} {prefix}");
            }
            Fault::BlanksAroundSignature => self.say(
                "Hay espacios o saltos de línea alrededor de la firma.",
                "There are blanks or line breaks around the signature.",
            ),
            Fault::UpperCase => self.say(
                "La firma está en mayúsculas: va en hexadecimal en minúsculas.",
                "The signature is in upper case: it is lower-case hex.",
            ),
            Fault::Base64 => self.say(
                "La firma está en base64: va en hexadecimal, digest('hex').",
                "The signature is in base64: it is hex, digest('hex').",
            ),
            Fault::NewlineAdded => self.say(
                "Al cuerpo se le agregó un salto de línea al final, que no se envió.",
                "A line break was added at the end of the body, which was not sent.",
            ),
            Fault::NewlineSigned => self.say(
                "La firma se hizo sobre este cuerpo con un salto de línea al final (echo lo agrega; printf %s no).",
                "The signature was made over this body with a line break at its end (echo adds one; printf %s does not).",
            ),
            Fault::LineEnds => self.say(
                "Cambiaron los finales de línea del cuerpo (CRLF por LF, o al revés).",
                "The ends of the body's lines were changed (CRLF to LF, or the other way).",
            ),
            Fault::BlanksAroundBody => self.say(
                "El cuerpo tiene espacios alrededor, que no se enviaron.",
                "The body has blanks around it, which were not sent.",
            ),
            Fault::ByteOrderMark => self.say(
                "El cuerpo empieza con una marca de orden de bytes (BOM), que no se envió.",
                "The body begins with a byte order mark (BOM), which was not sent.",
            ),
            Fault::Rewritten => self.say(
                "El cuerpo se leyó y se volvió a escribir como JSON: cambiaron espacios, escapes o números. Verifica los bytes que llegaron, antes de cualquier parser.",
                "The body was parsed and written anew as JSON: blanks, escapes or numbers changed. Verify the bytes that came, before any parser.",
            ),
            Fault::KeyOrder => self.say(
                "El cuerpo se leyó y se volvió a escribir con las claves en otro orden. Verifica los bytes que llegaron, antes de cualquier parser.",
                "The body was parsed and written anew with its keys in another order. Verify the bytes that came, before any parser.",
            ),
            Fault::OtherBody => self.say(
                "La firma es la de otra entrega: se mezclaron el cuerpo de una y la cabecera de otra.",
                "The signature is another delivery's: the body of one was taken with the header of another.",
            ),
        }
        .to_owned()
    }

    /// Why it cannot be a signature.
    pub fn malformed(self, malformed: Malformed) -> String {
        match (malformed, self.is_spanish()) {
            (Malformed::Empty, true) => "está vacía.".to_owned(),
            (Malformed::Empty, false) => "it is empty.".to_owned(),
            (Malformed::NotHex, true) => {
                format!("debe tener {DIGITS} cifras hexadecimales, y tiene otros caracteres.")
            }
            (Malformed::NotHex, false) => {
                format!("it must be {DIGITS} hex digits, and has other characters.")
            }
            (Malformed::Length(length), true) => {
                format!("debe tener {DIGITS} cifras hexadecimales, las de un SHA-256, y tiene {length}.")
            }
            (Malformed::Length(length), false) => {
                format!("it must be {DIGITS} hex digits, those of a SHA-256, and has {length}.")
            }
            (Malformed::NeedsIdAndTime, true) => {
                "es una webhook-signature, que firma también webhook-id y webhook-timestamp: pega esas líneas."
                    .to_owned()
            }
            (Malformed::NeedsIdAndTime, false) => {
                "it is a webhook-signature, which also signs webhook-id and webhook-timestamp: paste those lines."
                    .to_owned()
            }
        }
    }
}
