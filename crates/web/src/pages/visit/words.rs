//! What the consumer's page says, in Spanish and in English. One list, so that neither language can lack a
//! sentence.

use heraldo_domain::sheet::Language;

macro_rules! words {
    ($($name:ident: $spanish:literal, $english:literal;)+) => {
        /// Every sentence of the page.
        #[derive(Debug)]
        pub struct Words {
            $(pub $name: &'static str,)+
        }

        const SPANISH: Words = Words { $($name: $spanish,)+ };
        const ENGLISH: Words = Words { $($name: $english,)+ };

        impl Words {
            pub const fn of(language: Language) -> &'static Self {
                match language {
                    Language::Spanish => &SPANISH,
                    Language::English => &ENGLISH,
                }
            }
        }
    };
}

words! {
    title: "Tu inspección", "Your inspection";
    other_language: "English", "Español";
    skip: "Ir al contenido", "Skip to the content";

    code_intro: "Ingresa el código de 4 dígitos que recibiste con el enlace.", "Enter the 4-digit code that came with the link.";
    code_filled: "El código de tu enlace ya está puesto. Toca el botón para empezar.", "The code of your link is filled in. Press the button to start.";
    code_label: "Código de acceso", "Access code";
    code_button: "Empezar", "Start";
    code_wrong: "El código no es correcto.", "The code is wrong.";
    code_left: "Intentos que te quedan:", "Attempts left:";
    code_again: "Ingresa el código otra vez para continuar. Lo que ya enviaste está guardado.", "Enter the code again to go on. What you sent is kept.";
    code_wait: "Hubo demasiados intentos con códigos equivocados desde tu conexión. Espera un minuto y prueba de nuevo.", "Too many wrong codes came from your connection. Wait a minute and try again.";

    photos_intro: "Toma cada foto como en el dibujo. Puedes cerrar la página y volver cuando quieras.", "Take each photo as in the drawing. You can close this page and come back whenever you like.";
    photos: "Fotos", "Photos";
    photos_done: "fotos listas", "photos done";
    of: "de", "of";
    optional: "opcional", "optional";
    product: "Artículo", "Item";
    missing: "Falta", "Missing";
    checking: "Recibida, la estamos revisando", "Received, we are checking it";
    approved: "Aprobada", "Approved";
    rejected: "No aprobada", "Not approved";
    take: "Tomar foto", "Take photo";
    retake: "Tomar otra vez", "Retake";
    send: "Enviar foto", "Send photo";
    choose: "Elige o toma la foto", "Choose or take the photo";
    example: "Ejemplo", "Example";
    your_photo: "Tu foto", "Your photo";
    refresh: "Actualizar", "Refresh";
    extra: "Fotos adicionales", "More photos";
    extra_intro: "¿Hay algo más que mostrar, como un daño? Agrégalo aquí.", "Is there more to show, such as damage? Add it here.";
    extra_take: "Agregar foto", "Add photo";
    extra_photo: "Foto adicional", "Extra photo";

    uploading: "Enviando", "Uploading";
    waiting_turn: "En espera para enviar", "Waiting to be sent";
    retrying: "Se cortó la conexión. Volvemos a intentar", "The connection broke. Trying again";
    sent: "Enviada", "Sent";
    upload_failed: "No se pudo enviar", "It could not be sent";

    place_why: "Una de las comprobaciones compara el lugar de las fotos. Compártelo para que se puedan aprobar.", "One of the checks compares where the photos were taken. Share your location so that they can be approved.";
    place_button: "Compartir mi ubicación", "Share my location";
    place_shared: "Tu ubicación se enviará con cada foto.", "Your location will be sent with each photo.";
    place_refused: "No se pudo obtener la ubicación. Revisa el permiso del navegador.", "The location is not available. Check the browser's permission.";

    reason_date: "La fecha de la foto no es de las últimas 24 horas, o no se conoce. Toma una foto nueva con la cámara.", "The photo's date is not within the last 24 hours, or is not known. Take a new photo with the camera.";
    reason_distance: "No se sabe dónde se tomó, o fue lejos de las otras fotos. Comparte tu ubicación y tómala en el mismo lugar.", "Where it was taken is not known, or is far from the other photos. Share your location and take it in the same place.";
    reason_sharpness: "La foto está borrosa. Sostén el teléfono quieto y toca la pantalla para enfocar.", "The photo is blurred. Hold the phone still and tap the screen to focus.";
    reason_exposure: "La foto está demasiado oscura o demasiado clara. Busca más luz o evita el reflejo.", "The photo is too dark or too bright. Find more light, or avoid the glare.";
    reason_resolution: "La foto es demasiado pequeña. Usa la cámara, no una captura de pantalla.", "The photo is too small. Use the camera, not a screenshot.";
    reason_duplicate: "Esta foto ya fue usada antes. Toma una nueva.", "This photo was used before. Take a new one.";
    reason_readable: "El archivo está dañado y no se puede ver. Toma la foto otra vez.", "The file is damaged and cannot be seen. Take the photo again.";
    reason_other: "No pasó la comprobación:", "It did not pass the check:";

    questions: "Preguntas", "Questions";
    required: "obligatorio", "required";
    choose_one: "Elige una opción", "Choose one";
    file_kept: "Archivo recibido:", "File received:";
    clear_file: "Quitar este archivo", "Remove this file";
    save: "Guardar respuestas", "Save answers";
    saved: "Tus respuestas están guardadas.", "Your answers are saved.";

    finish: "Terminar", "Finish";
    finish_intro: "Cuando termines no podrás agregar más fotos.", "Once you finish you cannot add more photos.";
    confirm_title: "Todavía falta algo", "Something is still missing";
    answers_intro: "Sin algunas respuestas no se puede terminar. Falta:", "Some answers are needed before you can finish. Missing:";
    confirm_intro: "Si terminas ahora, la inspección puede no ser aprobada. Falta:", "If you finish now, the inspection may not be approved. Missing:";
    confirm_back: "Volver y completar", "Go back and complete it";
    confirm_finish: "Terminar igual", "Finish anyway";
    answer_to: "Respuesta:", "Answer:";

    thanks_title: "¡Gracias!", "Thank you!";
    thanks: "Recibimos tu inspección. No tienes que hacer nada más y puedes cerrar esta página.", "We have your inspection. There is nothing more to do, and you can close this page.";
    waiting: "Estamos revisando tus fotos. Tarda unos segundos.", "We are checking your photos. It takes a few seconds.";
    onward: "Continuar", "Continue";
    onward_soon: "Te llevamos de vuelta.", "Taking you back.";
    ended_title: "Esta inspección ya terminó", "This inspection has ended";
    ended: "No hay nada más que hacer. Si tienes dudas, consulta a quien te envió el enlace.", "There is nothing more to do. If in doubt, ask whoever sent you the link.";
    blocked_title: "Esta inspección está bloqueada", "This inspection is blocked";
    blocked: "Se ingresaron demasiados códigos equivocados. Pide un enlace nuevo a quien te lo envió.", "Too many wrong codes were entered. Ask whoever sent you the link for a new one.";
    locked_title: "Ya no se aceptan códigos", "No more codes are taken";
    locked: "Se ingresaron demasiados códigos equivocados después de empezar. Si ya entraste, sigue en el mismo navegador. Si no, consulta a quien te envió el enlace.", "Too many wrong codes were entered after the start. If you are in already, go on in the same browser. If not, ask whoever sent you the link.";
    expired_title: "Esta inspección venció", "This inspection has expired";
    expired: "El plazo terminó. Pide un enlace nuevo a quien te lo envió.", "Its time is over. Ask whoever sent you the link for a new one.";
    unknown_title: "No encontramos esta inspección", "There is no such inspection";
    unknown: "Revisa que el enlace esté completo, tal como lo recibiste.", "Check that the link is complete, just as you received it.";

    problem: "Algo salió mal", "Something went wrong";
    bad_image: "El archivo no es una foto que podamos leer. Envía una foto JPEG, PNG o WebP.", "The file is not a photo that we can read. Send a JPEG, PNG or WebP photo.";
    no_image: "Primero elige o toma una foto.", "Choose or take a photo first.";
    too_large: "El archivo es demasiado grande.", "The file is too large.";
    too_many: "Ya hay tantas fotos como puede tener una inspección.", "There are as many photos as an inspection may have.";
    cut_off: "El envío se cortó. Prueba de nuevo.", "The upload broke off. Try again.";
    bad_answer: "Una respuesta no es válida. Revísala.", "An answer is not valid. Check it.";
    other_site: "El pedido no vino de esta página. Ábrela otra vez desde tu enlace.", "The request did not come from this page. Open it again from your link.";
    busy: "No pudimos guardarlo ahora. Prueba de nuevo en un momento.", "It could not be saved just now. Try again in a moment.";
}
