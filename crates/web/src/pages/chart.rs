//! A chart: the hourly level of a figure, its baseline, its limits, and the outages. It is an SVG drawn by the server,
//! with a title, a description and a table of the same numbers. The style sheet has its colours by classes, so that
//! dark mode and print have their own.

use maud::{Markup, html};

use super::parts;
use crate::shown::{grouped, span, time};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Width and height of the drawing, and the area between the marks at its sides.
const SIZE: (f64, f64) = (760.0, 240.0);
const LEFT: f64 = 52.0;
const RIGHT: f64 = 96.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;
/// No figure is larger.
const LARGEST: f64 = 1e15;

/// Content of a chart. Times are Unix milliseconds.
pub struct Chart {
    /// Its name in the page.
    pub name: &'static str,
    /// Title of the chart.
    pub title: &'static str,
    /// Unit of the numbers.
    pub unit: &'static str,
    /// The end of the time.
    pub now: i64,
    /// The beginning of an hour and its value, newest first.
    pub samples: Vec<(i64, i64)>,
    /// Baseline, and the fraction by which it varies.
    pub normal: Option<(f64, f64)>,
    /// From here on it is a WARNING.
    pub warning: Option<i64>,
    /// From here on it is CRITICAL.
    pub critical: Option<i64>,
    /// Outages.
    pub bands: Vec<Band>,
}

/// An outage.
pub struct Band {
    /// Name of the dependency.
    pub what: String,
    /// Unix milliseconds of its beginning.
    pub from: i64,
    /// Unix milliseconds of its end, if it is over.
    pub to: Option<i64>,
}

/// Mapping of times and values to the drawing.
struct Scale {
    from: i64,
    to: i64,
    top: f64,
}

impl Scale {
    fn x(&self, time: i64) -> f64 {
        let part = float(time.clamp(self.from, self.to) - self.from) / float((self.to - self.from).max(1));
        LEFT + part * (SIZE.0 - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let part = (value / self.top).clamp(0.0, 1.0);
        SIZE.1 - BOTTOM - part * (SIZE.1 - TOP - BOTTOM)
    }
}

/// Numbers of packages and hours are far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn float(value: i64) -> f64 {
    value as f64
}

/// The step of a scale that a person would choose: 1, 2 or 5 times a power of ten, for at most five steps.
pub fn step(most: f64) -> f64 {
    let rough = (most / 5.0).max(0.2);
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let step = steps.into_iter().map(|it| it * power).find(|it| *it >= rough * 0.999).unwrap_or(power * 10.0);
    step.max(1.0)
}

impl Chart {
    /// Draws it, with its table.
    pub fn draw(&self) -> Markup {
        let from = self.samples.iter().map(|(hour, _)| *hour).min().unwrap_or(self.now);
        // Times of a wrong clock must not stretch the scale.
        let from = from.clamp(self.now.saturating_sub(60 * DAY), self.now.saturating_sub(DAY));
        let limits = [self.warning, self.critical].into_iter().flatten().map(float);
        let values = self.samples.iter().map(|(_, value)| float(*value));
        let level = values.fold(self.normal.map_or(1.0, |(normal, _)| normal), f64::max).clamp(1.0, LARGEST);
        // A limit far above everything that was would press the level to the ground.
        let most = limits.filter(|limit| *limit < level * 3.0).fold(level, f64::max);
        let step = step(most);
        let top = (most / step).ceil() * step;
        let scale = Scale { from, to: self.now.max(from + HOUR), top };
        html! {
            figure.chart {
                svg viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-labelledby={ (self.name) "-title " (self.name) "-desc" } {
                    title id={ (self.name) "-title" } { (self.title) }
                    desc id={ (self.name) "-desc" } { (self.described()) }
                    (self.bands_of(&scale))
                    (self.axes(&scale, step))
                    (self.normal_of(&scale))
                    (limit(&scale, "warning", "WARNING", self.warning))
                    (limit(&scale, "critical", "CRITICAL", self.critical))
                    @for line in self.lines(&scale) { polyline.level points=(line) {} }
                    (self.labels(&scale))
                }
                (self.legend())
            }
            details { summary { "The same as a table" } (self.table()) }
        }
    }

    fn described(&self) -> String {
        let newest = self.samples.first().map_or(0, |(_, value)| *value);
        let least = self.samples.iter().map(|(_, value)| *value).min().unwrap_or(0);
        let most = self.samples.iter().map(|(_, value)| *value).max().unwrap_or(0);
        let normal = self.normal.map_or(String::new(), |(normal, _)| format!(", normally {normal:.0}"));
        format!("Now {newest} {}{normal}; between {least} and {most} in this time.", self.unit)
    }

    fn bands_of(&self, scale: &Scale) -> Markup {
        html! {
            @for band in &self.bands {
                @let (from, to) = (scale.x(band.from), scale.x(band.to.unwrap_or(self.now)));
                rect.band x=(round(from)) y=(TOP) width=(round((to - from).max(2.0))) height=(SIZE.1 - TOP - BOTTOM) {
                    title { (band.what) " out of reach" }
                }
            }
        }
    }

    fn axes(&self, scale: &Scale, step: f64) -> Markup {
        let lines: Vec<f64> = std::iter::successors(Some(0.0), |at| Some(at + step))
            .take_while(|at| *at <= scale.top * 1.001)
            .take(12)
            .collect();
        let midnights =
            std::iter::successors(Some(scale.from.div_euclid(DAY) * DAY + DAY), |at| Some(at + DAY));
        let every = ((scale.to - scale.from) / DAY + 6) / 7;
        let every = every.max(1);
        let days: Vec<i64> = midnights.take_while(|at| *at <= scale.to).take(40).collect();
        html! {
            @for value in lines {
                line.grid x1=(LEFT) x2=(SIZE.0 - RIGHT) y1=(round(scale.y(value))) y2=(round(scale.y(value))) {}
                text.tick x=(LEFT - 6.0) y=(round(scale.y(value) + 4.0)) text-anchor="end" { (format!("{value:.0}")) }
            }
            @for (index, day) in days.iter().enumerate() {
                line.grid x1=(round(scale.x(*day))) x2=(round(scale.x(*day))) y1=(SIZE.1 - BOTTOM) y2=(SIZE.1 - BOTTOM + 4.0) {}
                @if i64::try_from(index).unwrap_or(0) % every == 0 {
                    text.tick.minor[index % 6 != 0] x=(round(scale.x(*day))) y=(SIZE.1 - 8.0) text-anchor="middle" { (day_text(*day)) }
                }
            }
        }
    }

    fn normal_of(&self, scale: &Scale) -> Markup {
        let Some((normal, spread)) = self.normal else { return html! {} };
        let (high, low) = (scale.y(normal * (1.0 + spread)), scale.y(normal * (1.0 - spread)));
        html! {
            rect.usual x=(LEFT) width=(SIZE.0 - LEFT - RIGHT) y=(round(high)) height=(round((low - high).max(1.0))) {}
            line.usual x1=(LEFT) x2=(SIZE.0 - RIGHT) y1=(round(scale.y(normal))) y2=(round(scale.y(normal))) {}
        }
    }

    /// The level, broken where hours are missing.
    fn lines(&self, scale: &Scale) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut last: Option<i64> = None;
        for (hour, value) in self.samples.iter().rev() {
            let point = format!("{},{}", round(scale.x(*hour)), round(scale.y(float(*value))));
            match lines
                .last_mut()
                .filter(|_| last.is_some_and(|last: i64| hour.saturating_sub(last) <= 3 * HOUR))
            {
                Some(line) => {
                    line.push(' ');
                    line.push_str(&point);
                }
                None => lines.push(point),
            }
            last = Some(*hour);
        }
        lines
    }

    /// Labels of the lines, at their right end, none over another.
    fn labels(&self, scale: &Scale) -> Markup {
        let newest = self.samples.first().map(|(_, value)| *value);
        let mut labels: Vec<(f64, &str, String)> = Vec::new();
        labels.extend(newest.map(|it| (scale.y(float(it)), "level", format!("now {}", grouped(it)))));
        labels.extend(self.normal.map(|(it, _)| (scale.y(it), "usual", format!("normal {it:.0}"))));
        labels.extend(
            self.warning
                .filter(|it| float(*it) <= scale.top)
                .map(|it| (scale.y(float(it)), "warning", format!("warning {}", grouped(it)))),
        );
        labels.extend(
            self.critical
                .filter(|it| float(*it) <= scale.top)
                .map(|it| (scale.y(float(it)), "critical", format!("critical {}", grouped(it)))),
        );
        labels.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut lowest = SIZE.1 - BOTTOM + 6.0;
        for label in &mut labels {
            label.0 = label.0.min(lowest - 13.0);
            lowest = label.0;
        }
        html! {
            @for (y, class, text) in labels {
                text class={ "label " (class) } x=(SIZE.0 - RIGHT + 6.0) y=(round(y + 4.0)) { (text) }
            }
        }
    }

    fn legend(&self) -> Markup {
        html! {
            figcaption.dim {
                "Line: " (self.unit) ". Dashed: what is normal, with how much it varies. "
                @if self.warning.or(self.critical).is_some() { "Dotted: from where on it alerts. " }
                @if !self.bands.is_empty() { "Shaded: something was out of reach." }
            }
        }
    }

    /// A row a day.
    fn table(&self) -> Markup {
        let mut days: Vec<(i64, i64, i64, i64)> = Vec::new();
        for (hour, value) in &self.samples {
            let day = hour.div_euclid(DAY) * DAY;
            match days.last_mut().filter(|it| it.0 == day) {
                Some(it) => (it.1, it.2) = (it.1.min(*value), it.2.max(*value)),
                None => days.push((day, *value, *value, *value)),
            }
        }
        let rows = html! {
            @for (day, least, most, last) in &days {
                tr { th scope="row" { (day_text(*day)) } td.number { (grouped(*least)) } td.number { (grouped(*most)) } td.number { (grouped(*last)) } }
            }
        };
        html! {
            (parts::table(self.title, &["Day (UTC)", "Least", "Most", "Last"], &rows))
            @if !self.bands.is_empty() {
                ul {
                    @for band in &self.bands {
                        li {
                            (band.what) " out of reach from " (time(band.from))
                            @match band.to { Some(to) => { ", for " (span(to.saturating_sub(band.from))) }, None => ", still" }
                        }
                    }
                }
            }
        }
    }
}

fn limit(scale: &Scale, class: &str, name: &str, value: Option<i64>) -> Markup {
    let Some(value) = value.filter(|value| float(*value) <= scale.top) else { return html! {} };
    let y = round(scale.y(float(value)));
    html! { line class={ "limit " (class) } x1=(LEFT) x2=(SIZE.0 - RIGHT) y1=(y) y2=(y) { title { (name) " from " (value) } } }
}

/// Day as `24 Nov`.
fn day_text(day: i64) -> String {
    jiff::Timestamp::from_millisecond(day)
        .map_or_else(|_| String::new(), |it| it.strftime("%-d %b").to_string())
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_one_that_a_person_would_choose() {
        for (most, chosen) in
            [(1.0, 1.0), (5.0, 1.0), (7.0, 2.0), (23.0, 5.0), (500.0, 100.0), (1040.0, 500.0), (0.0, 1.0)]
        {
            assert!((step(most) - chosen).abs() < 1e-9, "{most}: {}", step(most));
        }
    }

    #[test]
    fn any_numbers_can_be_drawn() {
        let chart = |samples: Vec<(i64, i64)>, normal, warning| Chart {
            name: "x",
            title: "t",
            unit: "packages",
            now: 0,
            samples,
            normal,
            warning,
            critical: Some(i64::MAX),
            bands: Vec::new(),
        };
        for samples in [vec![], vec![(0, 0)], vec![(0, i64::MAX), (-HOUR, i64::MIN)], vec![(i64::MAX / 2, 5)]]
        {
            let text = chart(samples, Some((f64::MAX, 9.0)), Some(-5)).draw().into_string();
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }

    #[test]
    fn missing_hours_break_the_line() {
        let samples = vec![(10 * HOUR, 4), (9 * HOUR, 4), (HOUR, 3), (0, 3)];
        let chart = Chart {
            name: "x",
            title: "t",
            unit: "packages",
            now: 10 * HOUR,
            samples,
            normal: None,
            warning: None,
            critical: None,
            bands: Vec::new(),
        };
        assert_eq!(chart.draw().into_string().matches("<polyline").count(), 2);
    }
}
