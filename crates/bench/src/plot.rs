//! Draws how a figure grows along an axis, as SVG: a line through the medians, a bar from the least to the
//! most at each place. Nothing but text is made, so no library is needed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::Outcome;
use crate::figures::{Figures, figure};
use crate::growth::place_of;
use crate::report::{Report, shown};
use crate::scenario::{ALL, Axis, Scenario, Work};
use crate::statistics::Figure;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 52.0;
/// Lines across, from zero to the top.
const LINES: u32 = 4;

/// One place of the axis.
struct Point<'a> {
    place: u32,
    figure: &'a Figure,
}

/// Writes a picture for each axis that the report has measured, and says which.
pub fn write_all(report: &Report, folder: &Path) -> Outcome<Vec<String>> {
    let mut written = Vec::new();
    for scenario in ALL {
        let Work::Growth(axis) = scenario.work else {
            continue;
        };
        let Some(figures) = report.scenarios.get(scenario.name) else {
            continue;
        };
        let told = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(folder).map_err(told)?;
        let name = format!("{}.svg", scenario.name.to_lowercase());
        fs::write(folder.join(&name), drawn(&scenario, axis, figures)).map_err(told)?;
        written.push(name);
    }
    Ok(written)
}

const fn axis_title(axis: Axis) -> &'static str {
    match axis {
        Axis::StoredEvents => "events stored before",
        Axis::WaitingDeliveries => "deliveries waiting for another webhook",
        Axis::Webhooks => "webhooks, used in turn",
        Axis::FanOut => "webhooks told of each event",
        Axis::Callers => "callers that each wait for an answer",
    }
}

fn points(figures: &Figures) -> Vec<Point<'_>> {
    let named = figures.0.iter();
    let points = named.filter_map(|(name, figure)| {
        Some(Point {
            place: place_of(name, figure::SERVER_CPU_US)?,
            figure,
        })
    });
    let mut points: Vec<_> = points.collect();
    points.sort_by_key(|point| point.place);
    points
}

/// The picture: server CPU for each delivery, over a logarithmic axis.
fn drawn(scenario: &Scenario, axis: Axis, figures: &Figures) -> String {
    let points = points(figures);
    let top = rounded_up(
        points
            .iter()
            .map(|point| point.figure.max)
            .fold(1.0, f64::max),
    );
    let last = points.last().map_or(1, |point| point.place);
    let first = points.iter().find(|point| point.place > 0);
    let first = first.map_or(1, |point| point.place);
    let has_zero = points.first().is_some_and(|point| point.place == 0);
    let x = |place: u32| x_of(place, first, last, has_zero);
    let y = |value: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top;

    let mut svg = String::new();
    let _ = writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="sans-serif" font-size="12">
<title>{}</title>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>
<text x="{LEFT}" y="16" font-size="14" fill="#1a1a1a">{}</text>
<text x="{LEFT}" y="32" fill="#4d4d4d">server CPU per delivery, µs</text>"##,
        scenario.about, scenario.about
    );
    for line in 0..=LINES {
        let value = top * f64::from(line) / f64::from(LINES);
        let at = y(value);
        let _ = writeln!(
            svg,
            r##"<line x1="{LEFT}" y1="{at:.1}" x2="{:.1}" y2="{at:.1}" stroke="#d9d9d9"/><text x="{:.1}" y="{:.1}" text-anchor="end" fill="#4d4d4d">{}</text>"##,
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0,
            shown(value)
        );
    }
    let path: Vec<String> = points
        .iter()
        .map(|point| format!("{:.1},{:.1}", x(point.place), y(point.figure.median)))
        .collect();
    let _ = writeln!(
        svg,
        r##"<polyline points="{}" fill="none" stroke="#0b5cad" stroke-width="2"/>"##,
        path.join(" ")
    );
    for point in &points {
        let (at, figure) = (x(point.place), point.figure);
        let _ = writeln!(
            svg,
            r##"<line x1="{at:.1}" y1="{:.1}" x2="{at:.1}" y2="{:.1}" stroke="#0b5cad"/><circle cx="{at:.1}" cy="{:.1}" r="4" fill="#0b5cad"/><text x="{at:.1}" y="{:.1}" text-anchor="middle" fill="#1a1a1a">{}</text><text x="{at:.1}" y="{:.1}" text-anchor="middle" fill="#4d4d4d">{}</text>"##,
            y(figure.min),
            y(figure.max),
            y(figure.median),
            y(figure.max) - 8.0,
            shown(figure.median),
            HEIGHT - BOTTOM + 18.0,
            shown(f64::from(point.place))
        );
    }
    let _ = writeln!(
        svg,
        r##"<text x="{:.1}" y="{:.1}" text-anchor="middle" fill="#1a1a1a">{}</text>
</svg>"##,
        f64::midpoint(LEFT, WIDTH - RIGHT),
        HEIGHT - 12.0,
        axis_title(axis)
    );
    svg
}

/// Zero, which has no logarithm, stands one step to the left of the first place.
fn x_of(place: u32, first: u32, last: u32, has_zero: bool) -> f64 {
    let log = |place: u32| f64::from(place.max(1)).log10();
    let low = if has_zero {
        log(first) - 1.0
    } else {
        log(first)
    };
    let width = (log(last) - low).max(f64::EPSILON);
    let part = if place == 0 {
        0.0
    } else {
        (log(place) - low) / width
    };
    // The outer places leave room for their numbers.
    let (left, right) = (LEFT + 24.0, WIDTH - RIGHT - 32.0);
    left + (right - left) * part
}

/// The next number above that has one digit beside zeros: a one, or an even one.
fn rounded_up(value: f64) -> f64 {
    let power = 10.0_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth::name_at;
    use indexmap::IndexMap;

    #[test]
    fn every_place_has_its_point_and_its_number() {
        let at = |place, runs| {
            let figure = Figure::of(runs).expect("runs");
            (name_at(figure::SERVER_CPU_US, place), figure)
        };
        let figures = Figures(IndexMap::from([
            at(10_000, vec![80.0, 90.0, 100.0]),
            at(0, vec![70.0]),
            at(1_000, vec![75.0]),
        ]));
        let scenario = Scenario::named("GROWTH-STORED").expect("a scenario");
        let svg = drawn(scenario, Axis::StoredEvents, &figures);
        assert_eq!(svg.matches("<circle").count(), 3);
        for words in [">0<", ">1,000<", ">10,000<", ">90<", "events stored before"] {
            assert!(svg.contains(words), "{words} is missing in {svg}");
        }
        let places: Vec<u32> = points(&figures).iter().map(|point| point.place).collect();
        assert_eq!(places, [0, 1_000, 10_000]);
    }

    #[test]
    fn places_go_from_left_to_right_within_the_picture() {
        let x = |place| x_of(place, 100, 10_000, true);
        assert!(LEFT < x(0) && x(0) < x(100) && x(100) < x(1_000) && x(10_000) < WIDTH);
        let alone = x_of(1, 1, 1, false);
        assert!((LEFT..WIDTH).contains(&alone), "{alone}");
    }

    #[test]
    fn the_top_is_a_round_number_that_nothing_exceeds() {
        let check =
            |value: f64, expected: f64| assert!((rounded_up(value) - expected).abs() < 1e-9);
        check(93.0, 100.0);
        check(100.0, 100.0);
        check(130.0, 200.0);
        check(0.7, 0.8);
    }
}
