//! What a request costs that is written in two pieces, as bars.
//!
//! The numbers are one machine's and not the same twice, so they are measured when
//! somebody asks for it, and drawn from what was written down:
//! `cargo run --release -q -p lesson-6 -- surprise > crates/06-options/surprise.txt`.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::pieces::File;
use crate::pieces::picture::{LETTER, Picture, text};
use crate::pieces::shop::Workshop;

const RECORDED: &str = "crates/06-options/surprise.txt";

/// One way to send a request, and how long it took, in milliseconds.
struct Bar {
    way: String,
    median: f64,
    low: f64,
    high: f64,
}

/// Draws what `lesson-6 surprise` has printed.
pub fn make(name: &str, shop: &Workshop) -> Result<Vec<File>> {
    let path = shop.root().join(RECORDED);
    let told = fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let bars = read(&told).with_context(|| format!("in {RECORDED}"))?;
    Ok(vec![
        File::generated(&format!("{name}.svg"), draw(&bars, &told)),
        File::generated(&format!("{name}.txt"), told),
    ])
}

/// The rows of the table: a way, and five words, of which the fourth is "and".
fn read(told: &str) -> Result<Vec<Bar>> {
    let bar = |line: &str| {
        let (way, numbers) = line.split_at_checked(32)?;
        let words: Vec<&str> = numbers.split_whitespace().collect();
        let [_, median, low, "and", high] = words[..] else {
            return None;
        };
        Some(Bar {
            way: way.trim_end().to_string(),
            median: median.parse().ok()?,
            low: low.parse().ok()?,
            high: high.parse().ok()?,
        })
    };
    let bars: Vec<Bar> = told.lines().filter_map(bar).collect();
    if bars.len() != 4 {
        bail!("there are {} rows, not 4", bars.len());
    }
    Ok(bars)
}

// All measures are in the picture's own units, as in the timelines of `wire`.

const WIDTH: usize = 640;
const MARGIN: f64 = 16.0;
const ROW: f64 = 30.0;
/// Where the bars begin, and how long the longest may be.
const ZERO: f64 = 230.0;
const LONGEST: f64 = 170.0;

fn draw(bars: &[Bar], told: &str) -> String {
    let most = bars.iter().map(|bar| bar.median).fold(1.0, f64::max);
    let at = |milliseconds: f64| ZERO + milliseconds / most * LONGEST;
    let mut body = String::new();
    for (row, bar) in bars.iter().enumerate() {
        let top = MARGIN + row as f64 * ROW;
        let base = top + 19.0;
        let end = at(bar.median).max(ZERO + 1.0); // a bar of nothing would be none
        body += &format!(
            "<text x=\"{MARGIN}\" y=\"{base:.1}\">{}</text>\n",
            text(&bar.way)
        );
        body += &format!(
            "<rect class=\"hs-bar\" x=\"{ZERO}\" y=\"{:.1}\" width=\"{:.1}\" \
             height=\"18\"/>\n",
            top + 6.0,
            end - ZERO
        );
        body += &format!(
            "<text x=\"{:.1}\" y=\"{base:.1}\">{:.3} ms\
             <tspan class=\"hs-note\">  {:.3} to {:.3}</tspan></text>\n",
            end + 8.0,
            bar.median,
            bar.low,
            bar.high
        );
    }
    let foot = MARGIN + bars.len() as f64 * ROW + 17.0;
    let note = "median of 25 requests each; half of them lie in the span behind it";
    body += &format!(
        "<text class=\"hs-note\" x=\"{:.1}\" y=\"{foot:.1}\">{note}</text>\n",
        WIDTH as f64 - MARGIN - note.len() as f64 * 12.0 * LETTER
    );
    let picture = Picture {
        class: "hs-cost",
        title: "How long a request takes, written in four ways".into(),
        description: told.to_string(),
        rules: ".X .hs-bar{fill:var(--_left);opacity:.55}\n\
                .X .hs-note{fill:var(--_muted);font-size:12px}\n",
        body,
    };
    picture.draw(WIDTH, (foot + MARGIN).ceil() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_not_whole_is_refused() {
        let row = format!("{:32}    2.0   44.030   43.826 and 47.961\n", "one");
        assert!(read(&row).is_err());
        let bars = read(&row.repeat(4)).unwrap();
        assert!(
            bars.iter()
                .all(|bar| bar.way == "one" && bar.high == 47.961)
        );
    }
}
