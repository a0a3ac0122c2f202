//! How the cost of an event grows with what is stored, waits, is configured, is told or calls at once.

use heraldo_wire::event::EventType;

use crate::arguments::Settings;
use crate::children::Sink;
use crate::dead::{self, Companies};
use crate::figures::{Numbers, figure};
use crate::measure::{self, Measured};
use crate::scenario::{Axis, Call, Scenario};
use crate::server::Server;
use crate::{Outcome, fill};

/// Webhooks of one event, at most.
const FAN_OUT_MAX: u32 = 100;
/// Callers that each wait for the answer to their last request.
const CALLERS: [u32; 6] = [1, 8, 32, 64, 128, 256];

/// The figures at one place of the axis, as far as they are measured there.
const AT: [&str; 3] = [
    figure::SERVER_CPU_US,
    figure::DELIVERED_PER_S,
    figure::RATIO_TO_RAW,
];

/// The name of a figure at a place of the axis.
pub fn name_at(figure: &str, place: u32) -> String {
    format!("{figure}_at_{place}")
}

/// The places of a figure's name that [`name_at`] made.
pub fn place_of(name: &str, figure: &str) -> Option<u32> {
    name.strip_prefix(figure)?
        .strip_prefix("_at_")?
        .parse()
        .ok()
}

/// One repetition.
pub async fn run(scenario: &Scenario, axis: Axis, settings: &Settings) -> Outcome<Measured> {
    match axis {
        Axis::StoredEvents | Axis::WaitingDeliveries => along_rows(scenario, axis, settings).await,
        Axis::Webhooks => along_webhooks(scenario, settings).await,
        Axis::FanOut => along_fan_out(scenario, settings).await,
        Axis::Callers => along_callers(scenario, settings).await,
    }
}

/// Notes what one measurement gave at a place of the axis.
fn note(measured: &mut Measured, at: Measured, place: u32) {
    measured.complaints.extend(at.complaints);
    for figure in AT {
        if let Some(value) = at.numbers.get(figure) {
            measured.numbers.set(&name_at(figure, place), value);
        }
    }
}

/// More and more events of one webhook are stored, or wait for a paused one, beside the one that is measured.
async fn along_rows(scenario: &Scenario, axis: Axis, settings: &Settings) -> Outcome<Measured> {
    let mut measured = Measured::default();
    let mut server = Server::start(&settings.program, &settings.work_dir).await?;
    let mut nowhere = Sink::start().await?;
    let beside = server
        .webhook(&nowhere.endpoint(0), EventType::InspectionBlocked)
        .await?;
    nowhere.learn(&[beside.known_to(0)]).await?;
    let webhook = server
        .webhook(&nowhere.endpoint(1), EventType::InspectionCreated)
        .await?;
    match axis {
        Axis::WaitingDeliveries => {
            server.pause(&beside).await?;
            server.watch(&webhook);
        }
        Axis::StoredEvents | Axis::Webhooks | Axis::FanOut | Axis::Callers => {}
    }
    let most = settings.sizes.growth;
    let mut there = 0;
    for place in [0, most / 100, most / 10, most] {
        if place > there {
            let event = EventType::InspectionBlocked;
            let made = fill::publish(&server, settings, event, place - there).await?;
            there += u32::try_from(made).unwrap_or(u32::MAX);
            if axis == Axis::StoredEvents {
                let arrived = u64::from(there);
                measure::arrival(&mut nowhere, &mut server, arrived, settings.patience).await?;
                measure::settled(&mut server, settings.patience).await?;
            }
        }
        let mut sink = Sink::start().await?;
        sink.learn(&[webhook.known_to(0)]).await?;
        server.redirect(&webhook, &sink.endpoint(0)).await?;
        let (at, _) = measure::load(scenario, settings, &mut server, &mut sink).await?;
        note(&mut measured, at, place);
    }
    Ok(measured)
}

async fn along_webhooks(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let mut measured = Measured::default();
    let mut companies = Companies::new(settings).await?;
    let most = settings.sizes.webhooks;
    let mut places = vec![1, most / 100, most / 10, most];
    places.retain(|place| *place > 0);
    places.dedup();
    for place in places {
        companies
            .grow(usize::try_from(place).unwrap_or(usize::MAX))
            .await?;
        let mut sink = Sink::start().await?;
        companies.point(&mut sink, |_| true).await?;
        let at = dead::load(scenario, settings, &mut companies, &mut sink, |_| true).await?;
        note(&mut measured, at, place);
    }
    Ok(measured)
}

async fn along_fan_out(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let mut measured = Measured::default();
    for place in [1, 5, 20, FAN_OUT_MAX] {
        let mut server = Server::start(&settings.program, &settings.work_dir).await?;
        let mut sink = Sink::start().await?;
        server.subscribe(&mut sink, place).await?;
        let fanned = Scenario {
            webhooks: place,
            call: Call::Publish {
                events: 1,
                event: EventType::InspectionCreated,
            },
            ..*scenario
        };
        let (at, _) = measure::load(&fanned, settings, &mut server, &mut sink).await?;
        note(&mut measured, at, place);
    }
    Ok(measured)
}

/// The raw bound changes with its connections too, so that it is measured at each place.
async fn along_callers(scenario: &Scenario, settings: &Settings) -> Outcome<Measured> {
    let mut measured = Measured::default();
    for place in CALLERS {
        let settings = Settings {
            connections: place,
            ..settings.clone()
        };
        let raw = measure::raw(scenario, &settings).await?;
        let server = measure::through_server(scenario, &settings).await?;
        let at = Measured {
            numbers: Numbers::of_repetition(&raw.numbers, &server.numbers, true),
            complaints: [raw.complaints, server.complaints].concat(),
        };
        note(&mut measured, at, place);
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_from_a_figures_name() {
        let name = name_at(figure::SERVER_CPU_US, 10_000);
        assert_eq!(place_of(&name, figure::SERVER_CPU_US), Some(10_000));
        assert_eq!(place_of(&name, figure::DELIVERED_PER_S), None);
        assert_eq!(place_of(figure::SERVER_CPU_US, figure::SERVER_CPU_US), None);
    }
}
