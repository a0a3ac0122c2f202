//! How long lists of inspections take when a company has very many. The filters of an ordinary mix are
//! measured on the store alone, by its example `lists`; here all but one are alike.

use serde_json::Value;

use crate::arguments::Settings;
use crate::crew::{self, Ask};
use crate::figures::figure;
use crate::measure::{self, Measured};
use crate::scenario::Scenario;
use crate::server::Server;
use crate::{Outcome, fill};

/// So many inspections of one plate are counted and no more.
const COUNTED_MIN: u64 = 50_000;

/// One repetition.
pub async fn run(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let mut measured = Measured::default();
    let mut server = Server::start(&settings.program, &settings.work_dir).await?;
    // The oldest one is the one to be found.
    let odd = |_| {
        let body = serde_json::json!({
            "templateId": "easy",
            "moto": { "plate": "ZZ999ZZ" },
            "consumer": { "firstName": "Ximena", "identification": "40111222" },
        });
        Ask::json("/v1/inspection/moto".to_owned(), &body)
    };
    crew::post(&server, 1, 1, odd).await?;
    fill::create(&server, settings, settings.sizes.inspections).await?;
    let all = u64::from(settings.sizes.inspections) + 1;
    let last_page = all.div_ceil(10);
    let mut slowest_ms = 0.0_f64;
    for (name, query, matches) in [
        ("all", "limit=10".to_owned(), all),
        ("last_page", format!("limit=10&page={last_page}"), all),
        ("status", "status=created".to_owned(), all),
        ("no_status", "status=completed".to_owned(), 0),
        ("type", "type=moto".to_owned(), 1),
        ("no_type", "type=bike".to_owned(), 0),
        ("plate", "plate=ZZ999ZZ".to_owned(), 1),
        ("common_plate", "plate=AB123CD".to_owned(), all - 1),
        ("no_plate", "plate=QQ000QQ".to_owned(), 0),
        (
            "identification",
            "consumerIdentification=40111222".to_owned(),
            1,
        ),
    ] {
        let (took_ms, answer) = server.time(&format!("/v1/inspection?{query}")).await?;
        measured.numbers.set(&format!("lists_{name}_ms"), took_ms);
        slowest_ms = slowest_ms.max(took_ms);
        let found = total_of(&answer);
        let counted = match name {
            "common_plate" => matches.min(COUNTED_MIN),
            _ => matches,
        };
        if found != Some(counted) {
            let name = scenario.name;
            let sentence = format!("{name}: `{query}` finds {found:?} of {matches}");
            measured.complaints.push(sentence);
        }
    }
    let numbers = &mut measured.numbers;
    numbers.set(figure::LISTS_SLOWEST_MS, slowest_ms);
    numbers.set(figure::RSS_PEAK_MIB, measure::rss_peak_mib(&server)?);
    Ok(measured)
}

/// How many inspections a list says that there are in all.
fn total_of(answer: &Value) -> Option<u64> {
    answer.get("totalInspections").and_then(Value::as_u64)
}
