//! How long lists of inspections take when a company has very many, of an ordinary mix.

use serde_json::{Value, json};

use crate::Outcome;
use crate::arguments::Settings;
use crate::crew::{self, Ask};
use crate::figures::figure;
use crate::measure::{self, Measured};
use crate::scenario::Scenario;
use crate::server::Server;

/// So many inspections of one plate, identification or search are counted and no more.
const COUNTED_MIN: u64 = 50_000;
/// Made in one go; their answers are held so long.
const AT_ONCE: usize = 20_000;
/// The plate that every second one has.
const COMMON_PLATE: &str = "AB123CD";
const NAMES: [&str; 8] = [
    "Ana", "Bruno", "Carla", "Dora", "Emilio", "Flor", "Gael", "Hugo",
];

/// An inspection of the mix, by its number. The first and oldest is the one to be found.
#[derive(Debug, Clone, Copy)]
struct Made(usize);

impl Made {
    const fn kind(self) -> &'static str {
        match self.0 % 10 {
            0..=6 => "car",
            7 | 8 => "moto",
            _ => "bike",
        }
    }

    const fn is_deep(self) -> bool {
        self.0.is_multiple_of(4)
    }

    const fn is_started(self) -> bool {
        self.0.is_multiple_of(3)
    }

    /// Bikes have none.
    fn plate(self) -> Option<String> {
        match self.0 {
            0 => Some("ZZ999ZZ".to_owned()),
            _ if self.kind() == "bike" => None,
            number if number % 2 == 1 => Some(COMMON_PLATE.to_owned()),
            number => Some(format!("P{:05}", number % 50_000)),
        }
    }

    fn first_name(self) -> &'static str {
        match self.0 {
            0 => "Ximena",
            number => NAMES.get(number % NAMES.len()).copied().unwrap_or("Ana"),
        }
    }

    fn identification(self) -> String {
        (20_000_000 + self.0).to_string()
    }

    fn ask(self) -> Ask {
        let kind = self.kind();
        let mut body = json!({
            "templateId": if self.is_deep() { "deep" } else { "easy" },
            "consumer": { "firstName": self.first_name(), "identification": self.identification() },
            kind: { "plate": self.plate() },
        });
        if let (true, Some(object)) = (self.is_started(), body.as_object_mut()) {
            object.insert("initialStatus".to_owned(), json!("started"));
        }
        Ask::json(format!("/v1/inspection/{kind}"), &body)
    }
}

/// One repetition.
pub async fn run(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let mut measured = Measured::default();
    let mut server = Server::start(&settings.program, &settings.work_dir).await?;
    let all = usize::try_from(settings.sizes.inspections).unwrap_or(usize::MAX);
    fill(&server, settings, all).await?;
    let owner = server.owner().await?;
    let deep_car = server.template("car", "deep").await?;
    let count = |fits: &dyn Fn(Made) -> bool| (0..all).map(Made).filter(|made| fits(*made)).count();
    let last_page = all.div_ceil(10);
    let some_plate = "P00004";
    let mut slowest_ms = 0.0_f64;
    for (name, query, matches) in [
        ("all", "limit=10".to_owned(), all),
        ("last_page", format!("limit=10&page={last_page}"), all),
        (
            "status",
            "status=created".to_owned(),
            count(&|made| !made.is_started()),
        ),
        ("no_status", "status=completed".to_owned(), 0),
        (
            "type",
            "type=moto".to_owned(),
            count(&|made| made.kind() == "moto"),
        ),
        ("no_type", "type=people".to_owned(), 0),
        ("veredict", "veredict=not_defined".to_owned(), all),
        ("no_veredict", "veredict=approved".to_owned(), 0),
        (
            "template",
            format!("templateId={deep_car}"),
            count(&|made| made.kind() == "car" && made.is_deep()),
        ),
        (
            "status_type",
            "status=started&type=bike".to_owned(),
            count(&|made| made.kind() == "bike" && made.is_started()),
        ),
        (
            "veredict_template",
            format!("veredict=not_defined&templateId={deep_car}"),
            count(&|made| made.kind() == "car" && made.is_deep()),
        ),
        (
            "no_veredict_type",
            "veredict=approved&type=car".to_owned(),
            0,
        ),
        ("odd_plate", "plate=ZZ999ZZ".to_owned(), 1.min(all)),
        (
            "plate",
            format!("plate={some_plate}"),
            count(&|made| made.plate().as_deref() == Some(some_plate)),
        ),
        (
            "common_plate",
            format!("plate={COMMON_PLATE}"),
            count(&|made| made.plate().as_deref() == Some(COMMON_PLATE)),
        ),
        ("no_plate", "plate=QQ000QQ".to_owned(), 0),
        (
            "plate_status",
            format!("plate={some_plate}&status=started"),
            count(&|made| made.plate().as_deref() == Some(some_plate) && made.is_started()),
        ),
        (
            "identification",
            format!("consumerIdentification={}", Made(0).identification()),
            1.min(all),
        ),
    ] {
        let (took_ms, answer) = server.time(&format!("/v1/inspection?{query}")).await?;
        let found = answer.get("totalInspections").and_then(Value::as_u64);
        measured.numbers.set(&format!("lists_{name}_ms"), took_ms);
        slowest_ms = slowest_ms.max(took_ms);
        check(scenario, &query, found, matches, &mut measured);
    }
    let membership = &owner.membership_id;
    for (name, which, query, matches) in [
        ("mine", "me", "", all),
        ("search_odd", "me", "&search=ximena", 1.min(all)),
        (
            "search_name",
            "me",
            "&search=carla",
            count(&|made| made.first_name() == "Carla"),
        ),
        ("search_none", "all", "&search=nobody%20at%20all", 0),
    ] {
        let path = format!("/v1/inspection/{which}?membershipId={membership}{query}");
        let (took_ms, answer) = server.time_as(&owner, &path).await?;
        let found = answer.pointer("/pagination/totalDocs");
        let found = found.and_then(Value::as_u64);
        measured.numbers.set(&format!("lists_{name}_ms"), took_ms);
        slowest_ms = slowest_ms.max(took_ms);
        check(scenario, &path, found, matches, &mut measured);
    }
    let numbers = &mut measured.numbers;
    numbers.set(figure::LISTS_SLOWEST_MS, slowest_ms);
    numbers.set(figure::RSS_PEAK_MIB, measure::rss_peak_mib(&server)?);
    Ok(measured)
}

async fn fill(server: &Server, settings: &Settings, all: usize) -> Outcome {
    // The oldest one is there before the others.
    for (first, until) in std::iter::once((0, 1.min(all))).chain(
        (1..all)
            .step_by(AT_ONCE)
            .map(|first| (first, all.min(first + AT_ONCE))),
    ) {
        let made = move |number: usize| Made(first + number).ask();
        crew::post(server, settings.connections, until - first, made).await?;
    }
    Ok(())
}

/// Complains when a list does not say how many there are. Of very many it may say fewer.
fn check(
    scenario: &Scenario,
    query: &str,
    found: Option<u64>,
    matches: usize,
    measured: &mut Measured,
) {
    let matches = u64::try_from(matches).unwrap_or(u64::MAX);
    let is_right = |found: u64| found == matches || (COUNTED_MIN..matches).contains(&found);
    if !found.is_some_and(is_right) {
        let name = scenario.name;
        let sentence = format!("{name}: `{query}` finds {found:?} of {matches}");
        measured.complaints.push(sentence);
    }
}
