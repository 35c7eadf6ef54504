//! A packet, byte by byte, with the layers as bands of colour.

use std::process::Command;

use anyhow::{Context, Result, bail};
use wire::demo::run;

use crate::pieces::File;
use crate::pieces::picture::{LETTER, Picture, text};
use crate::pieces::shop::Workshop;

/// A line of text, in pixels, and what is left free around all of them.
const LINE: f64 = 19.0;
const MARGIN: f64 = 14.0;

/// Runs `lesson-7 layers`, whose packet is always the same, and draws what it prints.
pub fn make(name: &str, shop: &Workshop) -> Result<Vec<File>> {
    let mut command = Command::new(shop.program("lesson-7")?);
    command.arg("layers");
    let output = run(&mut command, b"").context("cannot run it")?;
    if !output.status.success() {
        bail!(
            "it fails: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(vec![
        File::generated(&format!("{name}.svg"), draw(&told)),
        File::generated(&format!("{name}.txt"), told),
    ])
}

fn draw(told: &str) -> String {
    let longest = told.lines().map(|line| line.chars().count()).max();
    let inside = longest.unwrap_or_default() as f64 * 13.0 * LETTER;
    let width = inside + 2.0 * MARGIN;
    let mut body = String::new();
    let mut layer = 0;
    for (row, line) in told.lines().enumerate() {
        // A name in the first column begins a layer.
        layer += usize::from(!line.starts_with(' '));
        let top = MARGIN + row as f64 * LINE;
        body += &format!(
            "<rect class=\"hs-band hs-layer{layer}\" x=\"6\" y=\"{top:.1}\" \
             width=\"{:.1}\" height=\"{LINE:.1}\"/>\n",
            width - 12.0
        );
        body += &format!(
            "<text class=\"hs-layer{layer}\" x=\"{MARGIN}\" y=\"{:.1}\">{}</text>\n",
            top + 14.0,
            text(line)
        );
    }
    let height = told.lines().count() as f64 * LINE + 2.0 * MARGIN;
    let picture = Picture {
        class: "hs-layers",
        title: "The bytes of one packet, by layers".into(),
        description: told.to_string(),
        rules: ".X .hs-layer1{--_tone:var(--_muted)}\n\
                .X .hs-layer2{--_tone:var(--_left)}\n\
                .X .hs-layer3{--_tone:var(--_right)}\n\
                .X .hs-layer4{--_tone:var(--_alarm)}\n\
                .X text{fill:var(--_tone)}\n\
                .X .hs-band{fill:var(--_tone);opacity:.1}\n",
        body,
    };
    picture.draw(width.ceil() as usize, height.ceil() as usize)
}
