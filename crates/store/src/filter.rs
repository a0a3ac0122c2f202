//! Which rows a filter keeps, for engines and paths that try it on rows already read.

use heraldo_domain::inspection::{Inspection, match_key, search_part};
use heraldo_domain::query::{EventFilter, EventRecord, InspectionFilter, made_within};

fn is<T: PartialEq>(asked: Option<&T>, value: &T) -> bool {
    asked.is_none_or(|asked| asked == value)
}

fn text_is(asked: Option<&str>, value: Option<&str>) -> bool {
    asked.is_none_or(|asked| value == Some(match_key(asked).as_str()))
}

pub(crate) fn keeps_event(filter: &EventFilter, record: &EventRecord) -> bool {
    is(filter.event_type.as_ref(), &record.event_type)
        && is(filter.inspection_id.as_ref(), &record.inspection_id)
        && made_within(record.id.0, filter.from, filter.to)
}

pub(crate) fn keeps_inspection(filter: &InspectionFilter, inspection: &Inspection) -> bool {
    is(filter.status.as_ref(), &inspection.status())
        && is(filter.inspection_type.as_ref(), &inspection.inspection_type)
        && is(filter.veredict.as_ref(), &inspection.veredict())
        && text_is(filter.plate.as_deref(), inspection.plate_key().as_deref())
        && text_is(
            filter.consumer_identification.as_deref(),
            inspection.identification_key().as_deref(),
        )
        && text_is(
            filter.template_id.as_deref(),
            Some(match_key(&inspection.template.id.to_string()).as_str()),
        )
        && filter.producers.as_ref().is_none_or(|producers| {
            let producer = inspection.producer.user_id;
            producer.is_some_and(|producer| producers.contains(&producer))
        })
        && made_within(inspection.id.0, filter.from, filter.to)
        && filter.before.is_none_or(|before| inspection.id < before)
        && filter
            .search
            .as_deref()
            .is_none_or(|search| inspection.search_text().contains(&search_part(search)))
}
