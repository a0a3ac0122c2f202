//! Why attempts fail, and what to do about it.

use heraldo_wire::attempt::{ErrorClass, Phase};

use super::Words;

impl Words {
    /// A failure in a word or two, for lists.
    pub const fn failure_short(self, class: &ErrorClass) -> &'static str {
        match class {
            ErrorClass::Dns => "DNS",
            ErrorClass::AddressRefused => self.say("dirección prohibida", "address refused"),
            ErrorClass::Connect => self.say("sin conexión", "no connection"),
            ErrorClass::Tls => "TLS",
            ErrorClass::Timeout => self.say("sin respuesta a tiempo", "timeout"),
            ErrorClass::Reset => self.say("conexión cortada", "connection cut"),
            ErrorClass::Protocol => self.say("no es HTTP", "not HTTP"),
            ErrorClass::Status => self.say("respuesta que no es 2XX", "answer other than 2XX"),
        }
    }

    /// A failure in a word or two, with the status that was answered.
    pub fn failure_with(self, class: &ErrorClass, status: Option<u16>) -> String {
        let what = self.failure_short(class);
        match (class, status) {
            (ErrorClass::Status, Some(code)) => {
                format!("{} {code}", self.say("respondió", "answered"))
            }
            (_, Some(code)) => format!("{what} ({code})"),
            (_, None) => what.to_owned(),
        }
    }

    /// What happened.
    pub const fn failure(self, class: ErrorClass, phase: Option<Phase>) -> &'static str {
        match class {
            ErrorClass::Dns => self.say(
                "El nombre del endpoint no se pudo resolver",
                "The endpoint's name did not resolve",
            ),
            ErrorClass::AddressRefused => self.say(
                "El endpoint lleva a una dirección que Heraldo no llama",
                "The endpoint leads to an address that Heraldo does not call",
            ),
            ErrorClass::Connect => self.say(
                "No se pudo abrir una conexión",
                "No connection could be opened",
            ),
            ErrorClass::Tls => self.say("La conexión TLS falló", "The TLS handshake failed"),
            ErrorClass::Timeout => match phase {
                Some(Phase::Resolve) => self.say(
                    "El plazo venció mientras se resolvía el nombre",
                    "The deadline passed while the name was resolved",
                ),
                Some(Phase::Connect) => self.say(
                    "El plazo venció mientras se abría la conexión",
                    "The deadline passed while the connection was opened",
                ),
                Some(Phase::Tls) => self.say(
                    "El plazo venció durante el inicio de TLS",
                    "The deadline passed during the TLS handshake",
                ),
                Some(Phase::FirstByte) | None => self.say(
                    "El plazo venció esperando la respuesta",
                    "The deadline passed while waiting for the answer",
                ),
                Some(Phase::Body) => self.say(
                    "El plazo venció mientras llegaba la respuesta",
                    "The deadline passed while the answer came in",
                ),
            },
            ErrorClass::Reset => self.say(
                "La conexión se cortó antes de la respuesta entera",
                "The connection was cut before the whole answer",
            ),
            ErrorClass::Protocol => self.say(
                "Lo que respondió no es HTTP",
                "What answered does not speak HTTP",
            ),
            ErrorClass::Status => self.say(
                "El receptor respondió, pero no con un 2XX",
                "The receiver answered, but not with a 2XX",
            ),
        }
    }

    /// What to do about it.
    pub const fn advice(self, class: ErrorClass, status: Option<u16>) -> &'static str {
        match class {
            ErrorClass::Dns => self.say(
                "Revisa el nombre en la dirección del webhook y sus registros DNS.",
                "Check the name in the webhook's address, and its DNS records.",
            ),
            ErrorClass::AddressRefused => self.say(
                "Usa una dirección pública; las redes privadas las permite solo quien opera Heraldo.",
                "Use a public address; only whoever operates Heraldo can allow private networks.",
            ),
            ErrorClass::Connect => self.say(
                "Mira si el receptor está en marcha, si el puerto es ese y si el cortafuegos deja entrar a Heraldo.",
                "See whether the receiver runs, whether the port is right, and whether its firewall lets Heraldo in.",
            ),
            ErrorClass::Tls => self.say(
                "Revisa el certificado del receptor: vigente, para ese nombre y con su cadena completa.",
                "Check the receiver's certificate: valid now, for this name, and with its whole chain.",
            ),
            ErrorClass::Timeout => self.say(
                "Responde 2XX enseguida y haz el trabajo después; o amplía el plazo en los ajustes del webhook.",
                "Answer 2XX at once and do the work afterwards; or give more time in the webhook's settings.",
            ),
            ErrorClass::Reset => self.say(
                "Mira los registros del receptor y de lo que hay delante: algo cerró la conexión.",
                "See the logs of the receiver and of what stands before it: something closed the connection.",
            ),
            ErrorClass::Protocol => self.say(
                "Revisa el puerto y si la dirección debe empezar con http o https.",
                "Check the port, and whether the address should begin with http or https.",
            ),
            ErrorClass::Status => match status {
                Some(300..=399) => self.say(
                    "Es una redirección, y no se siguen: pon la dirección final en el webhook.",
                    "It is a redirect, and those are not followed: set the webhook to the final address.",
                ),
                Some(400 | 422) => self.say(
                    "Lo rechaza: mira si comprueba la firma con el secreto más nuevo y con el cuerpo exacto.",
                    "It refuses it: see whether it checks the signature with the newest secret and the exact body.",
                ),
                Some(401 | 403) => self.say(
                    "No deja entrar a Heraldo: revisa las cabeceras del webhook y el cortafuegos del receptor.",
                    "It does not let Heraldo in: check the webhook's headers, and the receiver's firewall.",
                ),
                Some(404 | 405) => self.say(
                    "Revisa la ruta en la dirección del webhook, y que acepte POST.",
                    "Check the path in the webhook's address, and that it takes POST.",
                ),
                Some(410) => self.say(
                    "Dice que ya no existe, así que el webhook se desactivó: pon la dirección nueva y actívalo.",
                    "It says that it is gone, so the webhook was disabled: set the new address and enable it.",
                ),
                Some(413) => self.say(
                    "El evento le resulta grande: permite cuerpos de este tamaño.",
                    "The event is too large for it: let it take bodies of this size.",
                ),
                Some(415) => self.say(
                    "No acepta JSON: permite application/json.",
                    "It does not take JSON: let it take application/json.",
                ),
                Some(429) => self.say(
                    "Pide menos llamadas: limita los intentos por segundo en los ajustes del webhook.",
                    "It asks for fewer calls: limit the attempts per second in the webhook's settings.",
                ),
                Some(502 | 504) => self.say(
                    "Lo que hay delante del receptor no lo alcanzó: mira si está en marcha.",
                    "What stands before the receiver did not reach it: see whether it runs.",
                ),
                Some(500..=599) => self.say(
                    "El receptor falló: mira sus propios registros.",
                    "The receiver failed: see its own logs.",
                ),
                Some(_) | None => self.say(
                    "Solo un 2XX cuenta como recibido.",
                    "Only a 2XX counts as received.",
                ),
            },
        }
    }
}
