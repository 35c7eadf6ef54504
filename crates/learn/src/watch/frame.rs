//! How watch mode looks: one line on top, two at the bottom, the text between.

use super::state::{Question, Table, View, Watch};
use crate::check::{Outcome, Phase};
use crate::compile::Busy;
use crate::list::{self, Line};
use crate::look::Pen;
use crate::text;

/// The lines that are not text: the head, the foot and the keys.
const EDGES: usize = 3;

/// The keys, and what they do, in the order in which they are dropped from the last
/// line, from its end, when the terminal is narrow; `?` and `q` stay.
const KEYS: [(&str, &str); 9] = [
    ("h", "hint"),
    ("n", "next"),
    ("p", "previous"),
    ("l", "list"),
    ("s", "solution"),
    ("b", "book"),
    ("r", "reset"),
    ("x", "x-ray"),
    ("c", "check all"),
];

impl Watch {
    /// The whole frame for a terminal of this size (height, width).
    pub fn frame(&mut self, (height, width): (usize, usize)) -> Vec<String> {
        self.look.width = width.saturating_sub(2).max(20);
        self.room = height.saturating_sub(EDGES).max(1);
        let body = self.body();
        let last = body.len().saturating_sub(self.room);
        self.scroll = self.scroll.min(last);
        let below = last - self.scroll;
        let shown = body.iter().skip(self.scroll).take(self.room);
        let mut frame = vec![self.head(width)];
        frame.extend(shown.map(|line| format!(" {line}")));
        frame.resize(self.room + 1, String::new());
        frame.push(self.foot(width));
        frame.push(self.keys(width, below));
        let pen = self.pen();
        frame
            .iter()
            .map(|line| text::cut(line, width, pen.ellipsis))
            .collect()
    }

    /// Everything as lines without end, for a terminal that takes no more.
    pub fn plain(&mut self, width: usize) -> String {
        self.look.width = width.saturating_sub(2).max(20);
        let body = self.body().join("\n");
        let keys = self.keys(width, 0);
        format!(
            "\n{}\n{body}\n{}\n{keys}\n",
            self.head(width),
            self.foot(width)
        )
    }

    fn pen(&self) -> Pen {
        Pen::new(&self.look)
    }

    // ---- the edges ----

    fn head(&self, width: usize) -> String {
        let pen = self.pen();
        let id = pen.strong(self.exercise().id);
        let title = self.exercise().title;
        let progress = self.progress_bar();
        let state = self.state();
        let full = format!("{id} {state} {} {title}", pen.dot);
        let short = format!("{id} {state}");
        match text::width(&full) + text::width(&progress) + 12 <= width {
            true => self.rule(&full, &progress, width),
            false => self.rule(&short, &progress, width),
        }
    }

    /// How the exercise at hand is, in a word or two.
    fn state(&self) -> String {
        let pen = self.pen();
        let Some(running) = &self.running else {
            return match &self.outcomes[self.at] {
                None => String::new(),
                Some(outcome) if outcome.passed() => pen.good("passes"),
                Some(outcome) if outcome.is_untouched() => pen.note("is your task"),
                Some(Outcome::DoesNotCompile(_)) => pen.bad("does not compile"),
                Some(Outcome::CannotBuild(_)) => pen.bad("cannot be built"),
                Some(_) => pen.bad("fails"),
            };
        };
        let doing = match &running.phase {
            Phase::Running => "checking".to_owned(),
            Phase::Cargo(Busy::Waiting(_)) => "waiting for another cargo".to_owned(),
            Phase::Cargo(Busy::Compiling(package))
                if *package != self.exercise().package() =>
            {
                format!("compiling {package}")
            }
            Phase::Compiling | Phase::Cargo(_) => "compiling".to_owned(),
        };
        let so_long = self
            .waiting()
            .map_or(String::new(), |waiting| format!(" {} s", waiting.as_secs()));
        pen.note(&format!("{doing}{}{so_long}", pen.going_on))
    }

    /// A square for each exercise of the lesson, and how many there are in all.
    fn progress_bar(&self) -> String {
        let pen = self.pen();
        let lesson = self.exercise().lesson();
        let passed = |place: &usize| {
            let exercise = &self.project.exercises[*place];
            self.progress.has_passed(exercise.id)
        };
        let square = |place| match passed(place) {
            true => pen.good(pen.bar[0]),
            false => pen.bar[1].to_owned(),
        };
        let places = list::places_of(&self.project, lesson);
        let bar: String = places.iter().map(square).collect();
        let all: Vec<usize> = (0..self.project.exercises.len()).collect();
        let (done, all) = list::count(&self.project, &self.progress, &all);
        format!("lesson {} {bar} {} {done}/{all}", lesson.number, pen.dot)
    }

    fn foot(&self, width: usize) -> String {
        let stub = self.exercise().stub().display().to_string();
        let book = match &self.book {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None if self.book_is_coming => {
                format!("the book is being built{}", self.pen().going_on)
            }
            None => String::new(),
        };
        self.rule(&self.pen().active(&stub), &book, width)
    }

    fn keys(&self, width: usize, below: usize) -> String {
        let pen = self.pen();
        let key = |(key, what): &(&str, &str)| format!("{} {what}", pen.active(key));
        let more = match below {
            0 if self.scroll == 0 => String::new(),
            0 => format!("{} back to the top", pen.active("space")),
            1 => format!("{} 1 more line", pen.active("space")),
            n => format!("{} {n} more lines", pen.active("space")),
        };
        let (first, last): (&[_], &[_]) = match &self.view {
            View::Verdict | View::Hints(_) => {
                (&KEYS, &[("?", "help"), ("q", self.quits())])
            }
            View::List(choice) if choice.typing => {
                (&[], &[("Enter", "open"), ("Esc", "all")])
            }
            View::List(_) => (
                &[("j/k", "move"), ("Enter", "open"), ("/", "find")],
                &[("q", "back")],
            ),
            View::CheckAll(table) if table.running => (&[], &[("q", "stop")]),
            View::CheckAll(_) | View::Text(_) => {
                (&[], &[("?", "help"), ("q", "back")])
            }
            View::Xray(_) => (&[("0-9", "another process")], &[("q", "back")]),
        };
        for dropped in 0..=first.len() {
            let kept = first[..first.len() - dropped].iter().chain(last);
            let keys = kept.map(key).collect::<Vec<_>>().join("  ");
            let used = text::width(&keys) + text::width(&more) + 4;
            if used <= width || dropped == first.len() {
                let gap = " ".repeat((width + 2).saturating_sub(used).max(1));
                return format!(" {keys}{gap}{more}");
            }
        }
        String::new() // the last turn of the loop has returned
    }

    fn quits(&self) -> &'static str {
        match self.view {
            View::Verdict => "quit",
            _ => "back",
        }
    }

    /// A line across the screen with words in it.
    fn rule(&self, left: &str, right: &str, width: usize) -> String {
        let pen = self.pen();
        let line = |columns: usize| pen.faint(&pen.rule.repeat(columns));
        let room = width.saturating_sub(6);
        let left = text::cut(left, room, pen.ellipsis);
        let free = room.saturating_sub(text::width(&left));
        let needed = text::width(right) + 2;
        if right.is_empty() || free < needed + 1 {
            return format!("{} {left} {}", line(2), line(free + 2));
        }
        format!(
            "{} {left} {} {right} {}",
            line(2),
            line(free - needed),
            line(2)
        )
    }

    // ---- the text between ----

    /// The lines of the view, wrapped.
    pub fn body(&self) -> Vec<String> {
        let pen = self.pen();
        let mut lines = vec![String::new()];
        if let Some(question) = self.question {
            lines.extend(self.wrap(&pen.note(&self.asked(question))));
            lines.push(String::new());
        }
        for notice in &self.notices {
            lines.extend(self.wrap(&pen.note(notice)));
            lines.push(String::new());
        }
        match &self.view {
            View::Verdict => self.add_verdict(&mut lines),
            View::Hints(hints) => self.add_hints(hints, &mut lines),
            View::List(_) => {
                lines.extend(self.list().into_iter().map(|(line, _)| line))
            }
            View::CheckAll(table) => self.add_table(table, &mut lines),
            View::Text(text) => lines.extend(self.wrap(text)),
            View::Xray(xray) => {
                if !xray.typed.is_empty() {
                    lines.push(pen.note(&format!("process {}_", xray.typed)));
                }
                lines.extend(self.wrap(&xray.seen));
            }
        }
        lines
    }

    fn wrap(&self, text: &str) -> Vec<String> {
        text::wrap(text, self.look.width)
    }

    fn asked(&self, question: Question) -> String {
        let id = self.exercise().id;
        match question {
            Question::Reset => format!(
                "Put {id} back to its stub? What you have is kept. y: yes, any other \
                 key: no."
            ),
            Question::Solution => format!(
                "{id} has not passed yet. s again shows a solution; h gives a hint."
            ),
        }
    }

    fn add_verdict(&self, lines: &mut Vec<String>) {
        let exercise = self.exercise();
        if let Some((_, passed)) = &self.passed {
            lines.extend(self.wrap(passed));
            if self.open_after(self.at).is_none() {
                lines.push(String::new());
                lines.extend(self.wrap(&self.finished()));
                return;
            }
            let next = format!("Next: {}", exercise.id);
            lines.push(String::new());
            lines.push(self.rule(&self.pen().strong(&next), "", self.look.width));
            lines.push(String::new());
        }
        match &self.outcomes[self.at] {
            Some(outcome) => {
                lines.extend(self.wrap(&self.teller().outcome(exercise, outcome)));
            }
            None => lines.extend(self.wrap(&self.teller().task(exercise))),
        }
    }

    /// What is said when everything has passed.
    fn finished(&self) -> String {
        let all = self.project.exercises.len();
        let lessons = checks::catalogue::lessons().len();
        format!(
            "{}\n\nAll {all} exercises of {lessons} lessons pass: you have met \
             whatever their peers could do to a program, and yours held. `c` checks \
             them all once more; any exercise can be opened again from the list (l), \
             and a solution (s) read beside your own.",
            self.pen().good("That was the last one.")
        )
    }

    fn add_hints(&self, hints: &[String], lines: &mut Vec<String>) {
        let pen = self.pen();
        let asked = self.hints[self.at];
        for (n, hint) in hints.iter().enumerate().take(asked) {
            lines.push(pen.strong(&hint_head(n + 1, hints.len())));
            lines.push(String::new());
            lines.extend(self.wrap(&text::flow(hint)));
            lines.push(String::new());
        }
        let words = match hints.len() {
            0 => "There are no hints for this exercise; s shows a solution.",
            all if asked > all => "There are no more hints; s shows a solution.",
            all if asked == all => "That was the last hint.",
            _ => "h gives the next hint.",
        };
        lines.push(pen.note(words));
    }

    fn add_table(&self, table: &Table, lines: &mut Vec<String>) {
        lines.push(self.pen().strong(&self.table_head(table)));
        lines.push(String::new());
        let mut done = table.done.clone();
        done.sort_unstable();
        for place in done {
            if let Some(outcome) = &self.outcomes[place] {
                let exercise = &self.project.exercises[place];
                lines.push(list::result(exercise, outcome, &self.look));
            }
        }
    }

    fn table_head(&self, table: &Table) -> String {
        let of = table.of;
        if !table.running {
            let outcomes = table.done.iter().flat_map(|&place| &self.outcomes[place]);
            let passed = outcomes.filter(|outcome| outcome.passed()).count();
            return format!("{passed} of {of} exercises pass");
        }
        let doing = match (table.done.len(), &table.busy) {
            (0, Some(Busy::Waiting(_))) => "waiting for another cargo".to_owned(),
            (0, Some(Busy::Compiling(package))) => format!("compiling {package}"),
            (0, None) => "compiling".to_owned(),
            (done, _) => format!("checked {done} of {of}"),
        };
        doing + self.pen().going_on
    }

    /// The list's lines, each with the place of its exercise.
    fn list(&self) -> Vec<(String, Option<usize>)> {
        let View::List(choice) = &self.view else {
            return Vec::new();
        };
        let pen = self.pen();
        let mut lines = Vec::new();
        if choice.typing || !choice.filter.is_empty() {
            let cursor = if choice.typing { "_" } else { "" };
            lines.push((pen.note(&format!("/{}{cursor}", choice.filter)), None));
        }
        let visible = self.visible();
        for line in list::lines(&self.project, &self.progress, &self.look) {
            match line {
                Line::Lesson(_) if !choice.filter.is_empty() => {}
                Line::Lesson(text) => lines.push((text, None)),
                Line::Exercise(place, _) if !visible.contains(&place) => {}
                Line::Exercise(place, text) if place == choice.place => {
                    lines.push((
                        format!("{} {text}", pen.active(pen.chosen)),
                        Some(place),
                    ));
                }
                Line::Exercise(place, text) => {
                    lines.push((format!("  {text}"), Some(place)));
                }
            }
        }
        if visible.is_empty() {
            lines.push((
                "No exercise has that in its name; Esc shows all.".into(),
                None,
            ));
        }
        lines
    }
}

/// What stands above a hint.
pub fn hint_head(hint: usize, of: usize) -> String {
    format!("Hint {hint} of {of}")
}

/// The line of the body that shows the chosen exercise.
pub fn chosen_line(watch: &Watch) -> usize {
    let View::List(choice) = &watch.view else {
        return 0;
    };
    let list = watch.list();
    let above = watch.body().len() - list.len();
    let line = list
        .iter()
        .position(|(_, place)| *place == Some(choice.place));
    above + line.unwrap_or(0)
}

/// What every key does.
pub fn help(watch: &Watch) -> String {
    let pen = watch.pen();
    let keys = [
        ("h", "a hint, and with every further press the next one"),
        (
            "n, p",
            "the next and the previous exercise, whether this one passes or not",
        ),
        ("l", "the list of all exercises"),
        (
            "s",
            "a solution; before the exercise passes, press it twice",
        ),
        (
            "b",
            "the book, where it tells of this exercise or of the mistake",
        ),
        ("r", "reset: the stub again; what you wrote is kept"),
        ("x", "x-ray: what the kernel says of the running lessons"),
        ("c", "check all exercises"),
        ("Enter", "check again, without a save"),
        (
            "space",
            "the next page of a long text; arrows and PgUp go line by line",
        ),
        ("q", "back, and from here: quit. Ctrl-C quits at once"),
    ];
    let keys =
        keys.map(|(key, what)| format!("  {}{what}\n", pad(&pen.active(key), 8)));
    let file = watch.exercise().stub();
    format!(
        "{}\n\nOpen {} in your editor and save it: every save is compiled and \
         checked, and a save of another exercise goes there. Nothing has to be done \
         here.\n\n{}\nAll of this works in scripts too: `cargo learn --help`.\n",
        pen.strong("How this works"),
        file.display(),
        keys.concat()
    )
}

fn pad(text: &str, columns: usize) -> String {
    format!(
        "{text}{}",
        " ".repeat(columns.saturating_sub(text::width(text)))
    )
}
