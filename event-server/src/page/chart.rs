//! Charts: SVG that takes its colours from the style sheet, so that they are right by day and by night.
//!
//! Each mark has a title, which a crate that draws to any surface does not know of; nor does it leave fonts, classes
//! and the width of the page to the browser. Widths are shares of it, so that a narrow page has narrow columns, and texts
//! that are as large as ever.

use maud::{Markup, html};

/// Widths are shares of a hundred; heights are as the style sheet has them.
const WIDTH: f64 = 100.0;
const HEIGHT: f64 = 240.0;
/// For the times below; the style sheet leaves room for the numbers at the left.
const BELOW: f64 = 24.0;
const ABOVE: f64 = 8.0;
/// So many series have a colour of their own.
pub(crate) const COLOURS: usize = 7;
/// So many times stand below.
const TIMES: usize = 8;

/// How values are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One on the other: what adds up.
    Columns,
    /// Beside each other: what does not.
    Lines,
}

/// Values over time.
pub(crate) struct Chart {
    /// What it shows, in a sentence.
    pub(crate) title: String,
    pub(crate) form: Form,
    /// The buckets by name, in their order.
    pub(crate) buckets: Vec<String>,
    pub(crate) series: Vec<Series>,
}

/// One value a bucket, where there is one.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) values: Vec<Option<f64>>,
}

/// Where values and buckets are.
struct Scale {
    least: f64,
    most: f64,
    step: f64,
}

impl Scale {
    fn of(chart: &Chart) -> Self {
        let values = || {
            let all = chart.series.iter().flat_map(|series| &series.values);
            all.filter_map(|value| *value).filter(|value| value.is_finite())
        };
        let most = match chart.form {
            // At least as many as there are lines: events are counted whole.
            Form::Columns => (0..chart.buckets.len()).map(|at| chart.total(at)).fold(4.0, f64::max),
            Form::Lines => values().fold(0.0, f64::max),
        };
        let least = match chart.form {
            Form::Columns => 0.0,
            Form::Lines => values().fold(0.0, f64::min),
        };
        let buckets = u32::try_from(chart.buckets.len().max(1)).unwrap_or(u32::MAX);
        Scale {
            least,
            most: if most > least { round_up(most) } else { least + 1.0 },
            step: WIDTH / f64::from(buckets),
        }
    }

    fn x(&self, bucket: usize) -> f64 {
        self.step * f64::from(u32::try_from(bucket).unwrap_or(u32::MAX))
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.least) / (self.most - self.least);
        ABOVE + (HEIGHT - ABOVE - BELOW) * (1.0 - share)
    }
}

/// The next number that four lines divide well.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let digits = [1.2, 2.0, 4.0, 6.0, 8.0, 12.0];
    let found = digits.into_iter().find(|digit| digit * power >= value);
    found.unwrap_or(12.0) * power
}

/// A number, as short as it may be.
fn short(value: f64) -> String {
    let size = value.abs();
    let (value, unit) = if size >= 1e9 {
        (value / 1e9, " G")
    } else if size >= 1e6 {
        (value / 1e6, " M")
    } else if size >= 1e4 {
        (value / 1e3, " k")
    } else {
        (value, "")
    };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}{unit}")
}

/// A height in the drawing.
fn at(height: f64) -> String {
    format!("{height:.1}")
}

/// A place from left to right, or a width.
fn share(place: f64) -> String {
    format!("{place:.2}%")
}

fn colour(series: usize) -> usize {
    series.min(COLOURS - 1)
}

impl Chart {
    /// Whether there is anything to draw.
    fn is_empty(&self) -> bool {
        self.buckets.is_empty() || self.series.is_empty()
    }

    fn total(&self, bucket: usize) -> f64 {
        let values = self
            .series
            .iter()
            .filter_map(|series| series.values.get(bucket).copied().flatten());
        values.sum()
    }

    /// The drawing, and what its colours stand for.
    pub(crate) fn draw(&self) -> Markup {
        if self.is_empty() {
            return html! { p.none { "Nothing happened in that time." } };
        }
        let scale = Scale::of(self);
        html! {
            figure.chart {
                svg height=(HEIGHT) role="img" aria-label=(self.title) {
                    (self.grid(&scale))
                    @match self.form {
                        Form::Columns => (self.columns(&scale)),
                        Form::Lines => (self.lines(&scale)),
                    }
                }
                figcaption {
                    (self.title)
                    @if self.series.len() > 1 {
                        ul.legend {
                            @for (number, series) in self.series.iter().enumerate() {
                                li { span class={ "swatch s" (colour(number)) } {} (series.name) }
                            }
                        }
                    }
                }
            }
        }
    }

    fn grid(&self, scale: &Scale) -> Markup {
        let (least, most) = (scale.least, scale.most);
        let heights = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| least + (most - least) * share);
        let every = self.buckets.len().div_ceil(TIMES);
        html! {
            g.grid aria-hidden="true" {
                @for height in heights {
                    line x1="0" x2="100%" y1=(at(scale.y(height))) y2=(at(scale.y(height))) {}
                    text x="-8" y=(at(scale.y(height) + 4.0)) text-anchor="end" { (short(height)) }
                }
                @for (number, (bucket, name)) in self.buckets.iter().enumerate().step_by(every).enumerate() {
                    @let middle = scale.x(bucket) + scale.step / 2.0;
                    // A narrow page has room for every second.
                    text class=[(number % 2 == 1).then_some("second")] x=(share(middle)) y=(HEIGHT - 4.0) text-anchor="middle" { (name) }
                }
            }
        }
    }

    fn columns(&self, scale: &Scale) -> Markup {
        let width = share(scale.step * 0.8);
        html! {
            @for (bucket, time) in self.buckets.iter().enumerate() {
                @for (number, part) in self.parts(bucket).iter().enumerate() {
                    @if let Some((below, value)) = part {
                        @let (top, foot) = (scale.y(below + value), scale.y(*below));
                        @let left = share(scale.x(bucket) + scale.step * 0.1);
                        rect class={ "s" (colour(number)) } x=(left) y=(at(top)) width=(width) height=(at(foot - top)) {
                            title { (time) ", " (self.series[number].name) ": " (short(*value)) }
                        }
                    }
                }
            }
        }
    }

    /// For each series what is below it in a column, and its own value; `None` for what is not drawn.
    fn parts(&self, bucket: usize) -> Vec<Option<(f64, f64)>> {
        let mut below = 0.0;
        let part = |series: &Series| {
            let value = series
                .values
                .get(bucket)
                .copied()
                .flatten()
                .filter(|value| *value > 0.0)?;
            let part = (below, value);
            below += value;
            Some(part)
        };
        self.series.iter().map(part).collect()
    }

    fn lines(&self, scale: &Scale) -> Markup {
        html! {
            @for (number, series) in self.series.iter().enumerate() {
                @let places = places(series, scale);
                @for (from, to) in places.iter().zip(places.iter().skip(1)) {
                    line class={ "s" (colour(number)) } x1=(share(from.x)) y1=(at(from.y)) x2=(share(to.x)) y2=(at(to.y)) {}
                }
                @for place in &places {
                    circle class={ "s" (colour(number)) } cx=(share(place.x)) cy=(at(place.y)) r="3" {
                        title { (self.buckets[place.bucket]) ", " (series.name) ": " (short(place.value)) }
                    }
                }
            }
        }
    }
}

/// Where a value of a line is.
struct Place {
    bucket: usize,
    value: f64,
    x: f64,
    y: f64,
}

/// The values that there are.
fn places(series: &Series, scale: &Scale) -> Vec<Place> {
    let values = series.values.iter().enumerate();
    let place = |(bucket, value): (usize, &Option<f64>)| {
        let value = (*value)?;
        let (x, y) = (scale.x(bucket) + scale.step / 2.0, scale.y(value));
        Some(Place { bucket, value, x, y })
    };
    values.filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(form: Form) -> String {
        let series = [("<a>", [Some(1.0), None]), ("b", [Some(2.0), Some(3.0)])];
        let chart = Chart {
            title: "Events & more".to_owned(),
            form,
            buckets: vec!["09:00".to_owned(), "09:01".to_owned()],
            series: series
                .map(|(name, values)| Series {
                    name: name.to_owned(),
                    values: values.to_vec(),
                })
                .into(),
        };
        chart.draw().into_string()
    }

    #[test]
    fn columns_stand_on_each_other() {
        let text = chart(Form::Columns);
        assert_eq!(text.matches("<rect ").count(), 3);
        assert!(text.contains("<title>09:01, b: 3</title>"), "{text}");
        // 0 to 4 on 208 units: the 2 of b stands on the 1 of a.
        assert!(
            text.contains("y=\"164.0\"") && text.contains("x=\"5.00%\" y=\"60.0\" width=\"40.00%\""),
            "{text}"
        );
        assert!(text.contains("Events &amp; more") && !text.contains("<a>") && !text.contains("style"));
    }

    #[test]
    fn lines_pass_over_what_is_not_there() {
        let text = chart(Form::Lines);
        assert_eq!(text.matches("<line class").count(), 1);
        assert_eq!(text.matches("<circle ").count(), 3);
    }

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (2.5, "2.5"),
            (9_999.0, "9999"),
            (12_000.0, "12 k"),
            (3_400_000.0, "3.4 M"),
            (-2e9, "-2 G"),
        ] {
            assert_eq!(short(value), expected);
        }
        for (value, expected) in [(1.0, 1.2), (3.0, 4.0), (9.0, 12.0), (45.0, 60.0), (100.0, 120.0)] {
            assert!((round_up(value) - expected).abs() < 1e-9, "{value}");
        }
    }
}
