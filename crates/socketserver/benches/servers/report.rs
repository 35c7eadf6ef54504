//! Figures of several rounds: medians, their range, and ratios within a round.

use std::io::{self, Write};

/// The middle of what was measured, and how far it went.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    /// Of at least one figure.
    pub fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        Some(Self {
            median: *figures.get(figures.len() / 2)?,
            least: *figures.first()?,
            most: *figures.last()?,
        })
    }

    /// From the least to the most, in per cent of the median.
    fn range(self) -> String {
        let part = |figure: f64| 100.0 * (figure / self.median - 1.0);
        format!("{:+.0} {:+.0} %", part(self.least), part(self.most))
    }
}

/// One line of a table: whose, and a figure for each round and column.
pub struct Row {
    /// Whose.
    pub name: String,
    /// A column's figures, one for each round; none where it was not measured.
    pub columns: Vec<Vec<f64>>,
}

/// What was measured of several, and who is compared with whom.
pub struct Table {
    /// What was measured.
    pub title: String,
    /// The columns' names; the first is the one that is compared.
    pub heads: Vec<&'static str>,
    /// The lines.
    pub rows: Vec<Row>,
    /// The lines by which the others are divided, in the order of interest.
    pub against: Vec<String>,
}

impl Table {
    /// Writes the figures, and then the ratios.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\n{}", self.title)?;
        write!(out, "  {:22}", "")?;
        for (at, head) in self.heads.iter().enumerate() {
            write!(
                out,
                "{head:>11}{}",
                if at == 0 { "      range" } else { "" }
            )?;
        }
        writeln!(out)?;
        for row in &self.rows {
            write!(out, "  {:22}", row.name)?;
            for (at, figures) in row.columns.iter().enumerate() {
                let spread = Spread::of(figures.clone());
                let median = spread.map_or("-".into(), |spread| shown(spread.median));
                write!(out, "{median:>11}")?;
                if at == 0 {
                    let range = spread.map_or(String::new(), Spread::range);
                    write!(out, "{range:>11}")?;
                }
            }
            writeln!(out)?;
        }
        let first = self.heads.first().copied().unwrap_or_default();
        write!(out, "\n  {:22}", format!("{first}, against"))?;
        for name in self.shown() {
            write!(out, "{name:>22}")?;
        }
        writeln!(out)?;
        for row in &self.rows {
            write!(out, "  {:22}", row.name)?;
            for name in self.shown() {
                write!(out, "{:>22}", ratio(self.ratios(row, name)))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// Those to compare with who have taken part.
    fn shown(&self) -> impl Iterator<Item = &String> {
        let took_part =
            |name: &&String| self.rows.iter().any(|row| row.name == **name);
        self.against.iter().filter(took_part)
    }

    /// The first column, divided by another line's of the same round: what the machine
    /// did meanwhile has slowed both.
    fn ratios(&self, row: &Row, name: &str) -> Vec<f64> {
        let other = self.rows.iter().find(|row| row.name == name);
        let others = other.and_then(|row| row.columns.first());
        let (Some(own), Some(others)) = (row.columns.first(), others) else {
            return Vec::new();
        };
        own.iter()
            .zip(others)
            .map(|(own, other)| own / other)
            .collect()
    }
}

/// The median, and in brackets the range.
fn ratio(figures: Vec<f64>) -> String {
    Spread::of(figures).map_or("-".into(), |of| {
        format!("{:.2} ({:.2} to {:.2})", of.median, of.least, of.most)
    })
}

fn shown(figure: f64) -> String {
    match figure {
        ..10.0 => format!("{figure:.2}"),
        ..100.0 => format!("{figure:.1}"),
        _ => format!("{figure:.0}"),
    }
}
