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
/// Rows of a page.
const PAGE: usize = 10;
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

    /// Of the first one it is two that many have, and one that nobody has.
    fn first_name(self) -> &'static str {
        match self.0 {
            0 => "Bruno Carla Ximena",
            number => NAMES.get(number % NAMES.len()).copied().unwrap_or("Ana"),
        }
    }

    fn identification(self) -> String {
        (20_000_000 + self.0).to_string()
    }

    /// Those who have started write from an address of their own kind: so a search can name what many have, and
    /// none of those of a status.
    fn email(self) -> String {
        let name = self.first_name().to_lowercase().replace(' ', ".");
        let at = if self.is_started() { "correo" } else { "mail" };
        format!("{name}.perez{}@{at}.example", self.0 % 10_000)
    }

    fn is_called(self, name: &str) -> bool {
        self.first_name().split(' ').any(|own| own == name)
    }

    fn ask(self) -> Ask {
        let kind = self.kind();
        let mut body = json!({
            "templateId": if self.is_deep() { "deep" } else { "easy" },
            "consumer": {
                "firstName": self.first_name(),
                "identification": self.identification(),
                "email": self.email(),
            },
            kind: { "plate": self.plate() },
        });
        if let (true, Some(object)) = (self.is_started(), body.as_object_mut()) {
            object.insert("initialStatus".to_owned(), json!("started"));
        }
        Ask::json(format!("/v1/inspection/{kind}"), &body)
    }
}

/// A list that is asked for.
struct Asked {
    name: &'static str,
    /// Of the key (contract E13), or of the user (E29): the own ones, or all.
    list: List,
    query: String,
    /// How many there are in all, and how many of them stand before the page.
    matches: usize,
    before: usize,
}

#[derive(Debug, Clone, Copy)]
enum List {
    OfKey,
    Me,
    All,
}

impl Asked {
    fn new(list: List, name: &'static str, query: impl Into<String>, matches: usize) -> Self {
        Self {
            name,
            list,
            query: query.into(),
            matches,
            before: 0,
        }
    }

    fn of_key(name: &'static str, query: impl Into<String>, matches: usize) -> Self {
        Self::new(List::OfKey, name, query, matches)
    }

    fn me(name: &'static str, query: impl Into<String>, matches: usize) -> Self {
        Self::new(List::Me, name, query, matches)
    }

    /// The same list at a page that follows so many others.
    fn after(&self, name: &'static str, pages: usize) -> Self {
        Self {
            name,
            query: format!("{}&page={}", self.query, pages + 1),
            before: pages * PAGE,
            ..*self
        }
    }

    /// The first page, the second, and the last one.
    fn pages(self, names: [&'static str; 2]) -> [Self; 3] {
        let last = self.matches.div_ceil(PAGE).saturating_sub(1);
        let (second, last) = (self.after(names[0], 1), self.after(names[1], last));
        [self, second, last]
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
    let mut slowest_ms = 0.0_f64;
    for asked in of_key(all, &deep_car).into_iter().chain(of_user(all)) {
        let (path, which) = match asked.list {
            List::OfKey => (
                format!("/v1/inspection?{}", asked.query),
                "/totalInspections",
            ),
            List::Me | List::All => {
                let which = if matches!(asked.list, List::Me) {
                    "me"
                } else {
                    "all"
                };
                let (membership, query) = (&owner.membership_id, &asked.query);
                let path = format!("/v1/inspection/{which}?membershipId={membership}&{query}");
                (path, "/pagination/totalDocs")
            }
        };
        let (took_ms, answer) = match asked.list {
            List::OfKey => server.time(&path).await?,
            List::Me | List::All => server.time_as(&owner, &path).await?,
        };
        let name = format!("lists_{}_ms", asked.name);
        measured.numbers.set(&name, took_ms);
        slowest_ms = slowest_ms.max(took_ms);
        let found = answer.pointer(which).and_then(Value::as_u64);
        let rows = answer.get("inspections").and_then(Value::as_array);
        check(scenario, &asked, found, rows.map(Vec::len), &mut measured);
    }
    let numbers = &mut measured.numbers;
    numbers.set(figure::LISTS_SLOWEST_MS, slowest_ms);
    numbers.set(figure::RSS_PEAK_MIB, measure::rss_peak_mib(&server)?);
    Ok(measured)
}

fn count(all: usize, fits: impl Fn(Made) -> bool) -> usize {
    (0..all).map(Made).filter(|made| fits(*made)).count()
}

/// The lists of contract E13.
fn of_key(all: usize, deep_car: &str) -> Vec<Asked> {
    let some_plate = "P00004";
    let has_plate = |plate: &'static str| move |made: Made| made.plate().as_deref() == Some(plate);
    let deep_cars = count(all, |made| made.kind() == "car" && made.is_deep());
    let common = count(all, has_plate(COMMON_PLATE));
    let mut lists = vec![
        Asked::of_key("no_status", "status=completed", 0),
        Asked::of_key(
            "type",
            "type=moto",
            count(all, |made| made.kind() == "moto"),
        ),
        Asked::of_key("no_type", "type=people", 0),
        Asked::of_key("veredict", "veredict=not_defined", all),
        Asked::of_key("no_veredict", "veredict=approved", 0),
        Asked::of_key("template", format!("templateId={deep_car}"), deep_cars),
        Asked::of_key(
            "status_type",
            "status=started&type=bike",
            count(all, |made| made.kind() == "bike" && made.is_started()),
        ),
        Asked::of_key(
            "veredict_template",
            format!("veredict=not_defined&templateId={deep_car}"),
            deep_cars,
        ),
        Asked::of_key("no_veredict_type", "veredict=approved&type=car", 0),
        Asked::of_key("odd_plate", "plate=ZZ999ZZ", 1.min(all)),
        Asked::of_key(
            "plate",
            format!("plate={some_plate}"),
            count(all, has_plate(some_plate)),
        ),
        Asked::of_key("no_plate", "plate=QQ000QQ", 0),
        Asked::of_key(
            "plate_status",
            format!("plate={some_plate}&status=started"),
            count(all, |made| has_plate(some_plate)(made) && made.is_started()),
        ),
        Asked::of_key(
            "common_plate_no_veredict",
            format!("plate={COMMON_PLATE}&veredict=approved"),
            0,
        ),
        Asked::of_key(
            "identification",
            format!("consumerIdentification={}", Made(0).identification()),
            1.min(all),
        ),
    ];
    let created = count(all, |made| !made.is_started());
    for (list, names) in [
        (
            Asked::of_key("all", "limit=10", all),
            ["second_page", "last_page"],
        ),
        (
            Asked::of_key("status", "status=created", created),
            ["status_second_page", "status_last_page"],
        ),
        (
            Asked::of_key("common_plate", format!("plate={COMMON_PLATE}"), common),
            ["common_plate_second_page", "common_plate_last_page"],
        ),
    ] {
        lists.extend(list.pages(names));
    }
    lists
}

/// The lists of contract E29.
fn of_user(all: usize) -> Vec<Asked> {
    let carlas = |fits: fn(Made) -> bool| count(all, |made| made.is_called("Carla") && fits(made));
    let mut lists = vec![
        Asked::me("search_odd", "search=ximena", 1.min(all)),
        Asked::new(List::All, "search_none", "search=nobody%20at%20all", 0),
        // Both of them very many have; one has both.
        Asked::me("search_two_names", "search=bruno%20carla", 1.min(all)),
        Asked::me(
            "search_digits",
            "search=4711",
            count(all, |made| {
                made.identification().contains("4711") || made.email().contains("4711")
            }),
        ),
        Asked::me(
            "search_name_status",
            "search=carla&status=created",
            carlas(|made| !made.is_started()),
        ),
        Asked::me("search_name_no_status", "search=carla&status=completed", 0),
        Asked::me(
            "search_name_veredict",
            "search=carla&veredict=not_defined",
            carlas(|_| true),
        ),
        Asked::me(
            "search_name_no_veredict",
            "search=carla&veredict=approved",
            0,
        ),
        Asked::me(
            "search_name_from",
            "search=carla&from=2026-01-01T00:00:00.000Z",
            carlas(|_| true),
        ),
        Asked::me(
            "search_name_to",
            "search=carla&to=2026-01-01T00:00:00.000Z",
            0,
        ),
        // One or two characters are looked for where a field begins.
        Asked::me(
            "search_letter",
            "search=b",
            count(all, |made| made.first_name().starts_with('B')),
        ),
        // Very many match the text, and very many have the status; none has both.
        Asked::me("search_apart", "search=%40correo&status=created", 0),
    ];
    for (list, names) in [
        (
            Asked::me("mine", "limit=10", all),
            ["mine_second_page", "mine_last_page"],
        ),
        (
            Asked::me("search_name", "search=carla", carlas(|_| true)),
            ["search_name_second_page", "search_name_last_page"],
        ),
        (
            Asked::me("search_everybody", "search=example", all),
            ["search_everybody_second_page", "search_everybody_last_page"],
        ),
        (
            Asked::me("search_digit", "search=2", all),
            ["search_digit_second_page", "search_digit_last_page"],
        ),
    ] {
        lists.extend(list.pages(names));
    }
    lists
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

/// Complains when a list does not say how many there are, or its page lacks rows. Of very many it may say fewer.
fn check(
    scenario: &Scenario,
    asked: &Asked,
    found: Option<u64>,
    rows: Option<usize>,
    measured: &mut Measured,
) {
    let (name, query) = (scenario.name, &asked.query);
    let matches = u64::try_from(asked.matches).unwrap_or(u64::MAX);
    let is_right = |found: u64| found == matches || (COUNTED_MIN..matches).contains(&found);
    if !found.is_some_and(is_right) {
        let sentence = format!("{name}: `{query}` finds {found:?} of {matches}");
        measured.complaints.push(sentence);
    }
    let expected = asked.matches.saturating_sub(asked.before).min(PAGE);
    if rows != Some(expected) {
        let sentence = format!("{name}: `{query}` shows {rows:?} rows of {expected}");
        measured.complaints.push(sentence);
    }
}
