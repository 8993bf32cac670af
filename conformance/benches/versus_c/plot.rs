//! The plot: how many times as fast as the original core, std and `memcpy` are, on a log scale that
//! holds all that was measured, with the goals and what misses them.

use std::fmt::Write;

const LEFT: f64 = 190.0;
const WIDTH: f64 = 560.0;
const ROW: f64 = 34.0;
/// Height of a bar, and the distance from one to the next.
const BAR: f64 = 7.0;
const STEP: f64 = 9.0;
/// Ratios that the scale holds at least.
const LEAST: (f64, f64) = (0.5, 4.0);
const MISSED: &str = "#b03030";

/// One row: ratios are times the speed of the original.
pub(crate) struct Bars {
    /// Name of the row.
    pub(crate) name: String,
    /// The core.
    pub(crate) core: f64,
    /// The same with std, where there is one.
    pub(crate) standard: Option<f64>,
    /// `memcpy` of the bytes, where there is one.
    pub(crate) memcpy: Option<f64>,
    /// Speeds that the core is to reach, each with its name.
    pub(crate) goals: Vec<(&'static str, f64)>,
    /// The goals that it misses, in words.
    pub(crate) missed: Vec<String>,
}

impl Bars {
    fn all(&self) -> [(&'static str, &'static str, Option<f64>); 3] {
        [
            ("core", "#2f6f9f", Some(self.core)),
            ("std", "#c08a3e", self.standard),
            ("memcpy", "#9a9a9a", self.memcpy),
        ]
    }
}

/// Powers of two around everything that is drawn.
fn scale(rows: &[Bars]) -> (f64, f64) {
    let bars = rows.iter().flat_map(Bars::all).filter_map(|(_, _, ratio)| ratio);
    let goals = rows.iter().flat_map(|row| &row.goals).map(|(_, ratio)| *ratio);
    let ratios = bars.chain(goals).filter(|ratio| ratio.is_finite() && *ratio > 0.0);
    ratios.fold(LEAST, |(low, high), ratio| {
        (low.min(ratio.log2().floor().exp2()), high.max(ratio.log2().ceil().exp2()))
    })
}

/// An SVG image.
pub(crate) fn render(rows: &[Bars]) -> String {
    let (low, high) = scale(rows);
    let x = |ratio: f64| LEFT + WIDTH * (ratio / low).ln() / (high / low).ln();
    let mut y = 50.0;
    let mut body = String::new();
    for row in rows {
        let _ = row_of(&mut body, row, y, &x);
        y += ROW;
    }
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{:.0}" height="{:.0}" font-family="sans-serif" font-size="12">"#,
        LEFT + WIDTH + 200.0,
        y + 10.0
    );
    svg.push_str("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    svg.push_str(
        "<text x=\"10\" y=\"18\">Times as fast as the original: core (blue), std (amber), memcpy (grey). Goals of the core: red lines; missed ones are named</text>\n",
    );
    let mut ratio = low;
    while ratio <= high {
        let at = x(ratio);
        let colour = if (ratio - 1.0).abs() < f64::EPSILON { "#777777" } else { "#dddddd" };
        let _ = writeln!(
            svg,
            r#"<line x1="{at:.1}" x2="{at:.1}" y1="40" y2="{y:.1}" stroke="{colour}"/><text x="{at:.1}" y="36" text-anchor="middle">{ratio}</text>"#
        );
        ratio *= 2.0;
    }
    svg.push_str(&body);
    svg.push_str("</svg>\n");
    svg
}

fn row_of(body: &mut String, row: &Bars, y: f64, x: &impl Fn(f64) -> f64) -> std::fmt::Result {
    let colour = if row.missed.is_empty() { "#000000" } else { MISSED };
    writeln!(
        body,
        r#"<text x="{:.0}" y="{:.0}" text-anchor="end" fill="{colour}">{}</text>"#,
        LEFT - 8.0,
        y + 15.0,
        row.name
    )?;
    let mut last = x(1.0);
    for (number, (name, colour, ratio)) in (0_u8..).zip(row.all()) {
        let Some(ratio) = ratio.filter(|ratio| ratio.is_finite() && *ratio > 0.0) else { continue };
        let (one, end) = (x(1.0), x(ratio));
        let (start, width) = (one.min(end), (end - one).abs().max(1.0));
        let top = y + STEP * f64::from(number);
        writeln!(
            body,
            r#"<rect x="{start:.1}" y="{top:.1}" width="{width:.1}" height="{BAR}" fill="{colour}"><title>{name}: {ratio:.2}</title></rect>"#
        )?;
        writeln!(
            body,
            r#"<text x="{:.1}" y="{:.1}" font-size="8">{ratio:.2}</text>"#,
            start + width + 3.0,
            top + BAR
        )?;
        last = last.max(start + width);
    }
    for (name, goal) in &row.goals {
        let at = x(*goal);
        writeln!(
            body,
            r#"<line x1="{at:.1}" x2="{at:.1}" y1="{:.1}" y2="{:.1}" stroke="{MISSED}" stroke-width="2"><title>goal: {name}, {goal:.2}</title></line>"#,
            y - 2.0,
            y + BAR + 2.0
        )?;
    }
    if !row.missed.is_empty() {
        writeln!(
            body,
            r#"<text x="{:.1}" y="{:.1}" fill="{MISSED}">missed: {}</text>"#,
            last + 34.0,
            y + 15.0,
            row.missed.join(", ")
        )?;
    }
    Ok(())
}
