//! Inspections: their list and their page.

use heraldo_wire::api::{DeliveryStatus, ReportStatus};
use heraldo_wire::object::{InspectionStatus, InspectionType, Veredict};

use super::{Words, words};

words! {
    inspections: "Inspecciones", "Inspections";
    inspection: "Inspección", "Inspection";
    inspections_empty: "Todavía no hay inspecciones. Tu sistema las crea con la API; cada una aparece aquí desde ese momento.",
        "There are no inspections yet. Your system creates them over the API; each shows here from that moment on.";
    inspections_none_match: "Ninguna inspección cumple todo eso. Quita algún filtro.",
        "No inspection matches all of that. Take a filter away.";
    inspections_how: "Con una clave de API, esta línea crea la primera:", "With an API key, this line creates the first one:";
    filters: "Filtros", "Filters";
    filter_apply: "Filtrar", "Filter";
    filter_clear: "Quitar filtros", "Clear filters";
    filter_any: "Todos", "Any";
    filter_search: "Persona", "Person";
    filter_search_hint: "Parte del documento, nombre o correo.", "A part of the identification, first name or e-mail.";
    inspection_type: "Tipo", "Type";
    veredict: "Resultado", "Result";
    plate: "Patente", "Plate";
    identification: "Documento", "Identification";
    template: "Plantilla", "Template";
    template_id: "Id de la plantilla", "Template id";
    wrong_day: "Escribe los días como 2026-11-18.", "Write days like 2026-11-18.";
    person: "Persona", "Person";
    newest: "Más recientes", "Newest";
    older: "Más antiguas", "Older";
    pages_navigation: "Páginas", "Pages";
    testing_inspection: "prueba", "testing";
    inspection_facts: "Resumen", "Summary";
    started_at: "Iniciada", "Started";
    access_code_locked: "No se acepta más: hubo demasiados equivocados después de empezar. Quien ya entró puede seguir.",
        "No longer taken: too many wrong ones came after the start. Whoever is in goes on.";
    finished_at: "Finalizada por la persona", "Finished by the person";
    ended_at: "Terminada", "Ended";
    completed_by: "Terminada por", "Ended by";
    blocked_because: "Motivo del bloqueo", "Blocked because";
    reviewed_at: "Revisada", "Reviewed";
    review_reason: "Motivo de la revisión", "Reason of the review";
    created_at: "Creada", "Created";
    expires_at: "Vence", "Expires";
    continues_inspection: "Continúa la inspección", "Continues the inspection";
    its_children: "Inspecciones hijas", "Child inspections";
    locale: "Idioma de la persona", "The person's language";
    callback_url: "Dirección de vuelta", "Callback URL";
    metadata: "Metadatos", "Metadata";
    photos: "Fotos", "Photos";
    files: "Archivos", "Files";
    no_photos: "Todavía no hay fotos.", "There are no photos yet.";
    photo_unreadable: "No se puede mostrar.", "It cannot be shown.";
    taken_at: "Tomada", "Taken";
    sent_at: "Enviada", "Sent";
    time_line: "Qué pasó y cuándo", "What happened when";
    no_events: "Sus eventos ya se borraron por su antigüedad.", "Its events were deleted for their age.";
    no_deliveries: "ningún webhook lo pidió", "no webhook asked for it";
    all_its_deliveries: "Todas sus entregas", "All its deliveries";
    access: "Acceso de la persona", "The person's access";
    access_text: "Quien tenga el enlace y el código puede hacer la inspección. Envíalos solo a la persona.",
        "Whoever has the link and the code can do the inspection. Send them to the person alone.";
    access_audited: "Cada vez que se muestran queda en la auditoría.", "Each time they are shown is written to the audit log.";
    access_show: "Mostrar el enlace y el código", "Show the link and the code";
    magic_link: "Enlace", "Link";
    access_code: "Código de acceso", "Access code";
    access_over: "La inspección terminó: su enlace ya no sirve.", "The inspection has ended: its link no longer works.";
    review: "Revisión", "Review";
    review_text: "Cambia el resultado y avisa a los webhooks con inspection_reviewed.",
        "Changes the result and tells the webhooks by inspection_reviewed.";
    review_not_yet: "Se puede revisar cuando esté completada.", "It can be reviewed once it is completed.";
    review_whole: "El resultado entero", "The whole result";
    review_photos: "Foto por foto", "Photo by photo";
    review_photos_text: "El resultado se calcula otra vez con las fotos.", "The result is computed again from the photos.";
    approve: "Aprobar", "Approve";
    disapprove: "Desaprobar", "Disapprove";
    leave_as_is: "Dejar como está", "Leave as it is";
    reason: "Motivo", "Reason";
    save_review: "Guardar la revisión", "Save the review";
    save_photo_review: "Guardar las fotos", "Save the photos";
    wrong_veredict: "Elige aprobar o desaprobar.", "Choose to approve or to disapprove.";
    wrong_photos: "Elige aprobar o desaprobar al menos una foto.", "Choose to approve or to disapprove at least one photo.";
    wrong_reason: "Acorta el motivo.", "Shorten the reason.";
    inspection_reviewed: "Revisión guardada.", "Review saved.";
    child: "Inspección hija", "Child inspection";
    child_text: "La inspección venció. Una hija tiene lo mismo, con otro código y sin fotos.",
        "The inspection expired. A child has the same content, another code and no photos.";
    create_child: "Crear inspección hija", "Create child inspection";
    child_created: "Inspección hija creada.", "Child inspection created.";
    reports: "Informes", "Reports";
    reports_none: "Todavía no hay informes.", "There are no reports yet.";
    report_text: "Un PDF y una página con todo lo que se sabe ahora.", "A PDF and a page with all that is known now.";
    request_report: "Pedir un informe", "Request a report";
    report_requested: "Informe pedido: aparece aquí en cuanto esté.", "Report requested: it shows here as soon as it is there.";
    report_pdf: "PDF", "PDF";
    report_page: "Página", "Page";
}

impl Words {
    pub const fn kind(self, kind: &InspectionType) -> &'static str {
        self.0.kind(*kind)
    }

    pub const fn inspection_status(self, status: &InspectionStatus) -> &'static str {
        self.0.status(*status)
    }

    /// The colour of a status.
    pub const fn inspection_tone(self, status: &InspectionStatus) -> &'static str {
        match status {
            InspectionStatus::Created => "off",
            InspectionStatus::Started | InspectionStatus::Processing => "",
            InspectionStatus::Completed => "good",
            InspectionStatus::Blocked => "bad",
        }
    }

    pub const fn veredict_name(self, veredict: &Veredict) -> &'static str {
        self.0.veredict(*veredict)
    }

    /// The colour of a result.
    pub const fn veredict_tone(self, veredict: &Veredict) -> &'static str {
        match veredict {
            Veredict::Approved => "good",
            Veredict::Disapproved => "bad",
            Veredict::NotProvided => "warn",
            Veredict::NotDefined => "off",
        }
    }

    pub const fn report_status(self, status: &ReportStatus) -> &'static str {
        match status {
            ReportStatus::Pending => self.say("En espera", "Waiting"),
            ReportStatus::Processing => self.say("Se está escribiendo", "Being written"),
            ReportStatus::Completed => self.say("Listo", "Ready"),
            ReportStatus::Failed => self.say("No se pudo escribir", "It could not be written"),
        }
    }

    /// So many deliveries of one status.
    pub fn deliveries_in(self, status: &DeliveryStatus, count: usize) -> String {
        let number = self.number(count as u64);
        let word = match (status, count) {
            (DeliveryStatus::Pending, 1) => self.say("pendiente", "pending"),
            (DeliveryStatus::Pending, _) => self.say("pendientes", "pending"),
            (DeliveryStatus::Delivered, 1) => self.say("entregada", "delivered"),
            (DeliveryStatus::Delivered, _) => self.say("entregadas", "delivered"),
            (DeliveryStatus::Failed, 1) => self.say("fallida", "failed"),
            (DeliveryStatus::Failed, _) => self.say("fallidas", "failed"),
            (DeliveryStatus::Cancelled, 1) => self.say("cancelada", "cancelled"),
            (DeliveryStatus::Cancelled, _) => self.say("canceladas", "cancelled"),
        };
        format!("{number} {word}")
    }

    /// How many inspections a list has in all.
    pub fn inspections_in_all(self, count: u64, is_least: bool) -> String {
        let at_least = match is_least {
            true => self.say("al menos ", "at least "),
            false => "",
        };
        let what = match count {
            1 => self.say("inspección", "inspection"),
            _ => self.say("inspecciones", "inspections"),
        };
        format!("{at_least}{} {what}", self.number(count))
    }
}
