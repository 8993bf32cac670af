//! The plot of the benchmark shows what is slow, what is aimed at, and what is missed.

#[path = "../../../benches/versus_c/plot.rs"]
mod drawing;

use drawing::{Bars, render};
use roxmltree::Document;

#[test]
fn nothing_is_clipped_and_what_is_missed_is_named() {
    let row = |name: &str, core| Bars {
        name: name.to_owned(),
        core,
        standard: Some(2.0),
        memcpy: Some(300.0),
        goals: vec![("original", 1.5), ("std", 2.0), ("memcpy", 240.0)],
        missed: if core < 1.5 { vec!["original".to_owned()] } else { Vec::new() },
    };
    let svg = render(&[row("slow", 0.11), row("fast", 250.0)]);
    let document = Document::parse(&svg).unwrap();
    let number =
        |node: roxmltree::Node<'_, '_>, name| node.attribute(name).unwrap().parse::<f64>().unwrap();
    let bars: Vec<(f64, f64)> = document
        .descendants()
        .filter(|node| node.has_tag_name("rect") && node.has_attribute("x"))
        .map(|node| (number(node, "x"), number(node, "x") + number(node, "width")))
        .collect();
    assert_eq!(bars.len(), 6);
    // The slow one ends where 0.11 is, to the right of the scale's end.
    let elements = document.descendants().filter(roxmltree::Node::is_element);
    let texts: Vec<&str> = elements.filter_map(|node| node.text()).collect();
    assert!(texts.contains(&"0.11") && texts.contains(&"250.00") && texts.contains(&"300.00"));
    assert!(texts.contains(&"0.0625") && texts.contains(&"512"), "{texts:?}");
    assert!(bars.iter().all(|(start, end)| *start > 190.0 && *end < 750.0), "{bars:?}");
    // A line for each goal, each with its name.
    for goal in ["goal: original, 1.50", "goal: std, 2.00", "goal: memcpy, 240.00"] {
        assert_eq!(texts.iter().filter(|text| **text == goal).count(), 2, "{goal}");
    }
    assert_eq!(texts.iter().filter(|text| **text == "missed: original").count(), 1);
}
