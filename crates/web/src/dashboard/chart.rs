//! Charts over time, drawn as SVG here and not in the browser: they need no script, have a title and a
//! description, and whoever shows one gives its figures in a table as well.
//!
//! The picture is stretched to the width of its place; what must not be stretched, the texts of the axes,
//! stands beside it.

use std::fmt::Write as _;

use askama::Template;
use askama::filters::HtmlSafe;

use super::moment::Brief;

/// The picture's own units.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// What is drawn of one kind of thing.
#[derive(Debug)]
pub struct Series {
    /// Its colour and stroke in the stylesheet.
    pub class: &'static str,
    /// What it is called beside the chart.
    pub name: &'static str,
    /// One for each step of time; `None`: nothing to show there.
    pub values: Vec<Option<f64>>,
}

/// What a chart says in words.
#[derive(Debug)]
pub struct Captions<'a> {
    pub title: &'a str,
    /// What there is to see, for those who do not see it.
    pub description: String,
    /// At the left end of the axis of time, and at the right one.
    pub from: Brief,
    pub to: Brief,
}

/// One chart.
#[derive(Template)]
#[template(path = "dashboard/chart.html")]
pub struct Chart<'a> {
    id: &'static str,
    captions: Captions<'a>,
    shapes: Vec<Shape>,
    /// At the top of the axis of values, and at its middle.
    top: String,
    middle: String,
    are_bars: bool,
}

// The template escapes what it shows.
impl HtmlSafe for Chart<'_> {}

struct Shape {
    class: &'static str,
    name: &'static str,
    path: String,
}

impl<'a> Chart<'a> {
    /// Bars of what is counted, those of each series upon those of the one before.
    pub fn bars(
        id: &'static str,
        captions: Captions<'a>,
        series: Vec<Series>,
        label: impl Fn(f64) -> String,
    ) -> Self {
        let count = series.iter().map(|of| of.values.len()).max().unwrap_or(0);
        let mut heights = vec![0.0; count];
        for of in &series {
            for (height, value) in heights.iter_mut().zip(&of.values) {
                *height += value.unwrap_or(0.0);
            }
        }
        let top = even(ceiling(heights.iter().copied().fold(0.0, f64::max)));
        let mut below = vec![0.0; count];
        let shapes = series.into_iter().map(|of| {
            let path = bars(&of.values, &below, top);
            for (below, value) in below.iter_mut().zip(&of.values) {
                *below += value.unwrap_or(0.0);
            }
            Shape {
                class: of.class,
                name: of.name,
                path,
            }
        });
        Self {
            id,
            captions,
            shapes: shapes.collect(),
            top: label(top),
            middle: label(top / 2.0),
            are_bars: true,
        }
    }

    /// Lines, broken where there is nothing to show.
    pub fn lines(
        id: &'static str,
        captions: Captions<'a>,
        series: Vec<Series>,
        label: impl Fn(f64) -> String,
    ) -> Self {
        let values = series.iter().flat_map(|of| &of.values);
        let top = ceiling(values.flatten().copied().fold(0.0, f64::max));
        let shapes = series.into_iter().map(|of| Shape {
            class: of.class,
            name: of.name,
            path: line(&of.values, top),
        });
        Self {
            id,
            captions,
            shapes: shapes.collect(),
            top: label(top),
            middle: label(top / 2.0),
            are_bars: false,
        }
    }
}

/// The least round number that is not smaller, such that its half is round, too.
fn ceiling(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0].map(|step| step * power);
    let fits = steps.into_iter().find(|step| *step >= most * 0.999_999);
    fits.unwrap_or(10.0 * power)
}

/// The next even number: of what is counted there are no halves, also not at the middle of the axis.
fn even(top: f64) -> f64 {
    (top / 2.0).ceil() * 2.0
}

/// The outline of the bars that are `values` high and stand on `below`.
fn bars(values: &[Option<f64>], below: &[f64], top: f64) -> String {
    let step = WIDTH / values.len().max(1) as f64;
    let width = step * 0.8;
    let mut path = String::new();
    for (at, (value, below)) in values.iter().zip(below).enumerate() {
        let Some(value) = value.filter(|value| *value > 0.0) else {
            continue;
        };
        let left = step * at as f64 + step * 0.1;
        let foot = HEIGHT * (1.0 - below / top);
        // What happened is seen, however little it was.
        let height = (HEIGHT * value / top).max(1.0);
        // Writing to a string cannot fail.
        let _ = write!(
            path,
            "M{left:.1} {foot:.1}v{:.1}h{width:.1}v{height:.1}z",
            -height
        );
    }
    path
}

/// A line through the middles of the steps.
fn line(values: &[Option<f64>], top: f64) -> String {
    let step = WIDTH / values.len().max(1) as f64;
    let mut path = String::new();
    let mut is_drawing = false;
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else {
            is_drawing = false;
            continue;
        };
        let across = step * (at as f64 + 0.5);
        let down = HEIGHT * (1.0 - value / top);
        // The line of no length makes a value without neighbours a dot.
        let _ = match is_drawing {
            true => write!(path, "L{across:.1} {down:.1}"),
            false => write!(path, "M{across:.1} {down:.1}h0"),
        };
        is_drawing = true;
    }
    path
}

#[cfg(test)]
mod tests {
    use heraldo_wire::time::Timestamp;

    use super::*;

    #[test]
    fn the_top_of_an_axis_is_round_and_not_below_what_is_shown() {
        for (most, top) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (1.01, 1.2),
            (133.0, 160.0),
            (7.0, 8.0),
            (43.0, 60.0),
            (100.0, 100.0),
            (9_999.0, 10_000.0),
            (0.3, 0.3),
        ] {
            assert!((ceiling(most) - top).abs() < 1e-9, "{most}");
        }
    }

    #[test]
    fn the_middle_of_an_axis_that_counts_is_a_whole_number() {
        for (most, top) in [
            (0.0, 2.0),
            (1.0, 2.0),
            (3.0, 4.0),
            (4.0, 4.0),
            (11.0, 12.0),
            (30.0, 30.0),
        ] {
            assert!((even(ceiling(most)) - top).abs() < 1e-9, "{most}");
        }
    }

    #[test]
    fn bars_stand_upon_each_other() {
        let path = bars(&[Some(1.0), None, Some(2.0)], &[1.0, 0.0, 0.0], 4.0);
        assert_eq!(
            path,
            "M20.0 90.0v-30.0h160.0v30.0zM420.0 120.0v-60.0h160.0v60.0z"
        );
    }

    #[test]
    fn a_line_is_broken_where_nothing_is_known() {
        let path = line(&[Some(0.0), Some(1.0), None, Some(0.5)], 1.0);
        assert_eq!(path, "M75.0 120.0h0L225.0 0.0M525.0 60.0h0");
        assert_eq!(line(&[], 1.0), "");
    }

    #[test]
    fn a_chart_has_a_title_and_a_description_and_shows_texts_as_text() {
        let captions = Captions {
            title: "Attempts <b>",
            description: "3 & 4".to_owned(),
            from: Brief::Clock(Timestamp::from_millis(0)),
            to: Brief::Day(Timestamp::from_millis(0)),
        };
        let series = Series {
            class: "good",
            name: "delivered",
            values: vec![Some(3.0)],
        };
        let chart = Chart::bars("c", captions, vec![series], |value| format!("{value}"));
        let html = chart.render().unwrap();
        for part in [
            "role=\"img\" aria-labelledby=\"c-title c-text\"",
            "<title id=\"c-title\">Attempts &#60;b&#62;</title>",
            "<desc id=\"c-text\">3 &#38; 4</desc>",
            ">00:00 UTC</time>",
            ">1970-01-01</time>",
            "<span>4</span><span>2</span><span>0</span>",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
    }
}
