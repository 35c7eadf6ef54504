//! What the pictures of this crate have in common with each other, and with the
//! timelines of the crate `wire` beside which they stand.

/// Name, light, dark. A page can set each as a CSS variable, `--hs-` before the name.
const COLOURS: [(&str, &str, &str); 8] = [
    ("fg", "#1f2328", "#e6edf3"),
    ("muted", "#5b6570", "#9aa4af"),
    ("bg", "#ffffff", "#161b22"),
    ("edge", "#d9dee4", "#30363d"),
    ("life", "#bcc4cd", "#4a525c"),
    ("left", "#0a66c2", "#6cb6ff"),
    ("right", "#8839c9", "#cfa6ff"),
    ("alarm", "#c62f3d", "#ff8078"),
];

/// The fonts of whoever looks at it; all of one width.
pub const MONO: &str =
    "ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace";

/// The widest of the common monospaced fonts: a letter's width, if its height is 1.
pub const LETTER: f64 = 0.602;

/// A picture that is complete but for its size.
pub struct Picture {
    /// The class of the whole; every rule of its style begins with it.
    pub class: &'static str,
    /// Its name, for those who do not see it.
    pub title: String,
    /// What it shows, for those who do not see it.
    pub description: String,
    /// The rules besides those that every picture has.
    pub rules: &'static str,
    /// The elements.
    pub body: String,
}

impl Picture {
    /// The whole as SVG, with a frame of this size.
    ///
    /// It follows the reader's light or dark setting, and inside an mdBook page the
    /// book's theme. It is a little larger than a CSS pixel a unit, if there is room.
    pub fn draw(&self, width: usize, height: usize) -> String {
        let class = self.class;
        // One em is what the text around it has; 16 pixels in a book and on its own.
        let natural = width as f64 * 1.1 / 16.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{class}\" \
             role=\"img\" viewBox=\"0 0 {width} {height}\" xml:space=\"preserve\" \
             style=\"max-width:{natural:.1}em\">\n"
        );
        svg += &format!("<title>{}</title>\n", text(&self.title));
        svg += &format!("<desc>{}</desc>\n", text(&self.description));
        svg += &format!("<style>\n{}</style>\n", self.style());
        svg += &format!(
            "<rect class=\"hs-card\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" \
             rx=\"9.5\"/>\n",
            width - 1,
            height - 1
        );
        svg + &self.body + "</svg>\n"
    }

    fn style(&self) -> String {
        let (mut light, mut dark) = (String::new(), String::new());
        for (name, by_day, by_night) in COLOURS {
            light += &format!("--_{name}:var(--hs-{name},{by_day});");
            dark += &format!("--_{name}:var(--hs-{name},{by_night});");
        }
        // mdBook puts the theme that the reader has chosen as a class on <html>.
        let style = format!(
            ".X{{{light}display:block;width:100%;height:auto;margin:1em auto}}\n\
             @media (prefers-color-scheme:dark){{.X{{{dark}}}}}\n\
             html:is(.light,.rust) .X{{{light}}}\n\
             html:is(.coal,.navy,.ayu) .X{{{dark}}}\n\
             .X text{{fill:var(--_fg);white-space:pre;font:13px {MONO}}}\n\
             .X .hs-card{{fill:var(--_bg);stroke:var(--_edge)}}\n\
             .X .hs-left{{--_tone:var(--_left)}}\n\
             .X .hs-right{{--_tone:var(--_right)}}\n\
             .X .hs-alarm{{--_tone:var(--_alarm)}}\n{}",
            self.rules
        );
        style.replace(".X", &format!(".{}", self.class))
    }
}

/// Text for XML. Braces are escaped too: to mdBook, two of them are an order.
pub fn text(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for c in words.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '{' => safe.push_str("&#123;"),
            '\n' => safe.push('\n'),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}
