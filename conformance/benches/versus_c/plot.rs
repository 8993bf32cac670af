//! The plot: how many times as fast as the original core, std and `memcpy` are, on a log scale.

use std::fmt::Write;

use crate::table::Line;

const LEFT: f64 = 190.0;
const WIDTH: f64 = 560.0;
const ROW: f64 = 34.0;
/// Ratios at the ends of the scale.
const SCALE: (f64, f64) = (0.5, 128.0);

fn x(ratio: f64) -> f64 {
    let (low, high) = SCALE;
    LEFT + WIDTH * (ratio.clamp(low, high) / low).ln() / (high / low).ln()
}

/// An SVG image.
pub(crate) fn render(lines: &[Line]) -> String {
    let mut svg = String::new();
    let mut y = 50.0;
    let mut body = String::new();
    for line in lines {
        let taken = line.taken;
        let bars = [
            ("core", "#2f6f9f", Some(taken.core)),
            ("std", "#c08a3e", taken.standard),
            ("memcpy", "#9a9a9a", taken.memcpy),
        ];
        let label = y + 15.0;
        let _ = writeln!(
            body,
            r#"<text x="{:.0}" y="{label:.0}" text-anchor="end">{}</text>"#,
            LEFT - 8.0,
            line.row.name
        );
        for (number, (name, colour, time)) in (0_u8..).zip(bars) {
            let Some(time) = time else { continue };
            let ratio = taken.original / time;
            let (one, end) = (x(1.0), x(ratio));
            let (start, width) = (one.min(end), (end - one).abs().max(1.0));
            let top = y + 8.0 * f64::from(number);
            let _ = writeln!(
                body,
                r#"<rect x="{start:.1}" y="{top:.1}" width="{width:.1}" height="7" fill="{colour}"><title>{name}: {ratio:.2}</title></rect>"#
            );
        }
        let goal = x(line.row.goals.times_original);
        let _ = writeln!(
            body,
            r##"<line x1="{goal:.1}" x2="{goal:.1}" y1="{y:.1}" y2="{:.1}" stroke="#b03030" stroke-width="2"/>"##,
            y + 24.0
        );
        y += ROW;
    }
    let _ = writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{:.0}" height="{:.0}" font-family="sans-serif" font-size="12">"#,
        LEFT + WIDTH + 30.0,
        y + 10.0
    );
    svg.push_str("<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    svg.push_str(
        "<text x=\"10\" y=\"18\">Times as fast as the original: core (blue), std (amber), memcpy (grey), goal (red)</text>\n",
    );
    let mut ratio = SCALE.0;
    while ratio <= SCALE.1 {
        let at = x(ratio);
        let _ = writeln!(
            svg,
            r##"<line x1="{at:.1}" x2="{at:.1}" y1="40" y2="{y:.1}" stroke="#dddddd"/><text x="{at:.1}" y="36" text-anchor="middle">{ratio}</text>"##
        );
        ratio *= 2.0;
    }
    svg.push_str(&body);
    svg.push_str("</svg>\n");
    svg
}
