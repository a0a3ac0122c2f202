//! What stands around every page, and what pages share.

use heraldo_domain::account::Role;

use super::{Words, words};

words! {
    skip_to_content: "Ir al contenido", "Skip to the content";
    main_navigation: "Principal", "Main";
    settings_navigation: "Secciones de la configuración", "Sections of the settings";
    home: "Resumen", "Overview";
    configuration: "Configuración", "Configuration";
    developers: "Developers", "Developers";
    my_account: "Mi cuenta", "My account";
    account_menu: "Menú de la cuenta", "Account menu";
    sign_out: "Salir", "Sign out";
    language_name: "Idioma", "Language";
    appearance: "Aspecto", "Appearance";
    theme_auto: "Del sistema", "System";
    theme_light: "Claro", "Light";
    theme_dark: "Oscuro", "Dark";
    api_description: "Descripción de la API", "API description";
    copy: "Copiar", "Copy";
    copied: "Copiado", "Copied";
    cancel: "Cancelar", "Cancel";
    save: "Guardar", "Save";
    name: "Nombre", "Name";
    created: "Creado", "Created";
    actions: "Acciones", "Actions";
    status: "Estado", "Status";
    optional: "opcional", "optional";
    not_possible: "No es posible", "Not possible";
    nothing_changed: "No se cambió nada.", "Nothing was changed.";
    changed_title: "Ya no es posible", "Not possible any more";
    changed_text: "Lo que ibas a cambiar está ahora en otro estado; quizá alguien lo cambió o lo terminó antes. No se cambió nada. Vuelve a cargar la página y mira cómo está.",
        "What you wanted to change is in another state by now; somebody may have changed or ended it before. Nothing was changed. Load the page again and see how it is.";
    go_home: "Volver al resumen", "Back to the overview";
    not_found_title: "Aquí no hay nada", "There is nothing here";
    not_found_text: "La dirección no existe, o lo que mostraba se borró o es de otra empresa.",
        "The address does not exist, or what it showed was deleted or belongs to another company.";
    forbidden_title: "Tu rol no alcanza", "Your role does not allow this";
    forbidden_text: "Esto lo hacen el dueño y los administradores de la empresa. Pídeselo a uno de ellos.",
        "The company's owner and administrators can do this. Ask one of them.";
    form_refused_title: "El formulario no es de esta sesión", "The form is not one of this session";
    form_refused_text: "Se envió desde otro sitio, o la sesión cambió entretanto. Vuelve a abrir la página y repite.",
        "It was sent by another site, or the session changed meanwhile. Open the page again and repeat.";
    failed_title: "Heraldo no pudo hacerlo ahora", "Heraldo could not do this now";
    failed_text: "No es culpa tuya. Espera un momento y vuelve a intentarlo.",
        "This is not your fault. Wait a moment and try again.";
    check_the_form: "Revisa el formulario", "Check the form";
    see_the_field: "Corrige el dato que está marcado.", "Correct the field that is marked.";
}

impl Words {
    pub const fn role(self, role: &Role) -> &'static str {
        match role {
            Role::Owner => self.say("Dueño", "Owner"),
            Role::Admin => self.say("Administrador", "Administrator"),
            Role::Producer => self.say("Productor", "Producer"),
        }
    }
}
