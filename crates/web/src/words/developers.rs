//! API keys and OAuth applications.

use heraldo_wire::api::Scope;

use super::{Words, words};

words! {
    api_keys: "Claves de API", "API keys";
    api_keys_text: "Cada sistema que llama a la API debería tener la suya, con lo justo que necesita.",
        "Each system that calls the API should have its own, with just what it needs.";
    no_keys: "No hay ninguna clave, así que nadie puede llamar a la API. Crea una para el sistema que crea inspecciones.",
        "There is no key, so that nobody can call the API. Make one for the system that creates inspections.";
    new_key: "Nueva clave de API", "New API key";
    create_key: "Crear clave", "Create key";
    key_begins: "Empieza con", "Begins with";
    key_name_hint: "Para qué es: por ejemplo «cotizador, producción».", "What it is for, such as “quotes, production”.";
    scopes: "Permisos", "Scopes";
    testing: "pruebas", "testing";
    testing_key: "Clave de pruebas", "Testing key";
    testing_key_text: "Las inspecciones que cree llevan la marca testing.", "The inspections that it creates are marked testing.";
    key_made: "Clave creada", "Key created";
    shown_once: "Cópialo ahora: no se vuelve a mostrar.", "Copy it now: it is not shown again.";
    key_use: "Va en la cabecera", "It goes into the header";
    kept_it: "Ya lo guardé", "I have kept it";
    revoke: "Revocar", "Revoke";
    revoke_text: "Quien la use recibirá un 401 desde este momento. No se puede deshacer.",
        "Whoever uses it gets a 401 from this moment on. This cannot be undone.";
    key_revoked: "La clave ya no sirve.", "The key no longer works.";
    last_used: "Último uso", "Last used";
    never_used: "nunca", "never";
    new_secret: "Secreto nuevo", "New secret";
    new_secret_text: "El anterior deja de servir en el momento; los accesos que ya dieron los usuarios siguen.",
        "The old one stops working at once; what users gave access to stays.";
    make_new_secret: "Generar otro secreto", "Make another secret";
    app_secret_made: "Secreto generado", "Secret made";
    // In Spanish the words of the menu that the documentation of Autoinspector names.
    oauth_apps: "OAuth Aplicaciones", "OAuth applications";
    delete_app_text: "Los códigos, los tokens y los accesos que dieron los usuarios terminan en el momento, y su client_app_id y su secreto dejan de servir. No se puede deshacer.",
        "Its codes, its tokens and all that users gave it end at once, and its client_app_id and its secret stop working. This cannot be undone.";
    app_deleted: "La aplicación se eliminó. Lo que le dieron los usuarios terminó.", "The application was deleted. What users gave it has ended.";
    oauth_apps_text: "Aplicaciones que actúan por usuarios que les dieron acceso.",
        "Applications that act for users who gave them access.";
    no_apps: "Todavía no hay aplicaciones. Crea una si otro sistema debe actuar por usuarios que se lo permitan: recibe un client_app_id y un secreto.",
        "There are no applications yet. Create one when another system is to act for users who let it: it gets a client_app_id and a secret.";
    new_app: "Crear una aplicación", "Create an application";
    create_app: "Crear aplicación", "Create application";
    app_name_hint: "Es lo que ven los usuarios a quienes pide acceso.", "This is what users see whom it asks for access.";
    app_made: "Aplicación creada", "Application created";
    redirects: "Direcciones de retorno", "Redirect addresses";
    redirects_hint: "Una por línea, completas, como https://app.ejemplo.com/callback; se comparan letra por letra.",
        "One a line, whole, like https://app.example.com/callback; they are compared character by character.";
    connected_users: "Usuarios conectados", "Connected users";
    page_before: "Página anterior", "Previous page";
    page_after: "Página siguiente", "Next page";
    wrong_name: "El nombre debe tener entre 1 y 200 caracteres.", "The name must have 1 to 200 characters.";
    wrong_scopes: "Elige al menos un permiso.", "Choose at least one scope.";
    wrong_redirects: "Escribe entre 1 y 20 direcciones http o https completas, sin fragmento.",
        "Enter 1 to 20 whole http or https addresses without a fragment.";
    wrong_other: "No se puede con estos datos. El servidor dice:", "This cannot be done. The server says:";
}

impl Words {
    pub const fn scope(self, scope: &Scope) -> &'static str {
        match scope {
            Scope::Inspections => self.say(
                "inspecciones, plantillas, fotos y eventos",
                "inspections, templates, photos and events",
            ),
            Scope::Webhooks => self.say(
                "webhooks, entregas y reenvíos",
                "webhooks, deliveries and resending",
            ),
            Scope::Secrets => self.say(
                "ver y regenerar los secretos de los webhooks",
                "reveal and regenerate the secrets of webhooks",
            ),
            Scope::Admin => self.say(
                "claves, usuarios y auditoría; incluye todo lo demás",
                "keys, users and the audit log; includes all the rest",
            ),
        }
    }

    pub fn delete_app(self, name: &str) -> String {
        let verb = self.say("Eliminar la aplicación", "Delete the application");
        format!("{verb} {name}")
    }

    pub fn revoke_key(self, name: &str) -> String {
        let verb = self.say("Revocar la clave", "Revoke the key");
        format!("{verb} {name}")
    }
}
