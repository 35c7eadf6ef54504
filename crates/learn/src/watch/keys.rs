//! What each key does in watch mode.

use console::Key;

use super::state::{Action, Choice, Question, Table, View, Watch, Xray};
use crate::reset::{self, Reset};
use crate::solution;

impl Watch {
    /// A key was pressed.
    pub fn key(&mut self, key: &Key) {
        match key {
            // No question, view or build keeps anybody here.
            Key::CtrlC | Key::Char('\u{3}' | '\u{4}') => {
                return self.actions.push(Action::Quit);
            }
            Key::Char('\u{1a}') => return self.actions.push(Action::Suspend),
            Key::UnknownEscSeq(_) | Key::Unknown => return,
            _ => {}
        }
        let question = self.question;
        self.hush();
        if question.is_some_and(|question| self.answered(question, key)) {
            return;
        }
        let taken = match &self.view {
            View::List(_) => self.filter_key(key) || self.list_key(key),
            View::Xray(_) => self.xray_key(key),
            _ => false,
        };
        if !taken && !self.scroll_key(key) {
            self.command(key);
        }
    }

    /// Whether the key was the answer to the question.
    fn answered(&mut self, question: Question, key: &Key) -> bool {
        match (question, key) {
            (Question::Reset, Key::Char('y' | 'Y')) => self.reset(),
            (Question::Reset, _) => self.say("Nothing was reset."),
            (Question::Solution, Key::Char('s')) => self.show_solution(self.at),
            (Question::Solution, _) => return false,
        }
        true
    }

    fn command(&mut self, key: &Key) {
        // Whatever the learner does now, the pass has been read.
        let passed = self.passed.take().map(|(place, _)| place);
        match key {
            Key::Enter if passed.is_some() => {}
            Key::Char('h') => self.hint(),
            Key::Char('l') => self.toggle_list(),
            Key::Char('n') => self.step(1),
            Key::Char('p') => self.step(-1),
            Key::Char('r') => self.question = Some(Question::Reset),
            Key::Char('s') => self.solution(passed.unwrap_or(self.at)),
            Key::Char('b') => self.book(passed.unwrap_or(self.at)),
            Key::Char('x') => self.xray(),
            Key::Char('c') => self.check_all(),
            Key::Char('?') => self.show(View::Text(super::frame::help(self))),
            Key::Char('q') if matches!(self.view, View::Verdict) => {
                self.actions.push(Action::Quit);
            }
            Key::Char('q') | Key::Escape | Key::Backspace => self.back(),
            Key::Enter if matches!(self.view, View::Verdict) => {
                self.actions.push(Action::Check);
            }
            Key::Enter => self.back(),
            Key::Char(c) => {
                self.say(format!("{c:?} does nothing; ? shows the keys."))
            }
            _ => self.say("That key does nothing; ? shows the keys."),
        }
    }

    /// Back to the verdict; a check of all ends.
    fn back(&mut self) {
        if matches!(&self.view, View::CheckAll(table) if table.running) {
            self.actions.push(Action::Stop);
        }
        self.show(View::Verdict);
    }

    /// Whether the key moved the text.
    fn scroll_key(&mut self, key: &Key) -> bool {
        let (lines, room) = (self.body().len(), self.room);
        let last = lines.saturating_sub(room);
        self.scroll = match key {
            Key::Char(' ') if self.scroll >= last => 0,
            // A line of the last page stays, to go on reading from.
            Key::Char(' ') | Key::PageDown => self.scroll + room.saturating_sub(1),
            Key::PageUp => self.scroll.saturating_sub(room.saturating_sub(1)),
            Key::ArrowDown | Key::Char('j') => self.scroll + 1,
            Key::ArrowUp | Key::Char('k') => self.scroll.saturating_sub(1),
            Key::Home | Key::Char('g') => 0,
            Key::End | Key::Char('G') => last,
            _ => return false,
        }
        .min(last);
        true
    }

    fn step(&mut self, by: isize) {
        let place = self.at.checked_add_signed(by);
        let all = self.project.exercises.len();
        match place.filter(|&place| place < all) {
            Some(place) => self.go_to(place),
            None if by < 0 => self.say("This is the first exercise."),
            None => self.say("This is the last exercise; l lists them all."),
        }
    }

    fn reset(&mut self) {
        let exercise = self.exercise();
        match reset::reset(&self.project, exercise) {
            Ok(Reset::Nothing) => self.say("Your file is the stub already."),
            Ok(Reset::Done(kept)) => {
                let kept = kept.map_or(String::new(), |path| {
                    format!(" What you had is kept in {}.", path.display())
                });
                self.say(format!("{} is the stub again.{kept}", exercise.id));
                self.hints[self.at] = 0;
                // It is noticed like any other save, and checked.
                self.own_save = Some(self.at);
            }
            Err(error) => self.say(format!("Nothing was reset: {error:#}.")),
        }
    }

    fn solution(&mut self, place: usize) {
        if self.progress.has_passed(self.project.exercises[place].id) {
            self.show_solution(place);
        } else {
            self.question = Some(Question::Solution);
        }
    }

    fn show_solution(&mut self, place: usize) {
        match solution::text(&self.project, &self.project.exercises[place]) {
            Ok(text) => self.show(View::Text(text)),
            Err(error) => self.say(format!("{error:#}")),
        }
    }

    /// Opens the page about the mistake that was made, or else about the exercise.
    fn book(&mut self, place: usize) {
        let outcome = self.outcomes[place].as_ref();
        let page = match outcome.and_then(|outcome| outcome.mistake()) {
            Some(mistake) => mistake.page.clone(),
            None => self.project.exercises[place].page(),
        };
        let link = self.teller().page(&page);
        if self.book.is_some() {
            self.actions.push(Action::Browse(link));
        } else {
            self.say(format!("The live book is not up. The same text:\n{link}"));
        }
    }

    fn check_all(&mut self) {
        self.show(View::CheckAll(Table {
            running: true,
            of: self.project.present().len(),
            ..Table::default()
        }));
        self.running = None;
        self.actions.push(Action::CheckAll);
    }

    // ---- the list ----

    fn toggle_list(&mut self) {
        match self.view {
            View::List(_) => self.back(),
            _ => {
                self.show(View::List(Choice {
                    place: self.at,
                    ..Choice::default()
                }));
                self.scroll_to_choice();
            }
        }
    }

    /// Whether the key changed the filter; one that cannot ends the typing.
    fn filter_key(&mut self, key: &Key) -> bool {
        let View::List(choice) = &mut self.view else {
            return false;
        };
        match key {
            _ if !choice.typing => return false,
            Key::Char(c) if !c.is_control() => choice.filter.push(*c),
            Key::Backspace => drop(choice.filter.pop()),
            _ => {
                choice.typing = false;
                return false;
            }
        }
        self.choose_visible();
        true
    }

    fn list_key(&mut self, key: &Key) -> bool {
        let (visible, room) = (self.visible(), self.room);
        let View::List(choice) = &mut self.view else {
            return false;
        };
        let now = visible.iter().position(|&place| place == choice.place);
        let now = now.unwrap_or(0);
        match key {
            Key::Char('/') => choice.typing = true,
            Key::Escape if !choice.filter.is_empty() => choice.filter.clear(),
            Key::Enter => {
                if let Some(&place) = visible.get(now) {
                    self.passed = None;
                    self.go_to(place);
                }
            }
            _ => {
                let last = visible.len().saturating_sub(1);
                let Some(next) = moved(key, now, last, room) else {
                    return false;
                };
                choice.place = visible.get(next).copied().unwrap_or(choice.place);
            }
        }
        self.scroll_to_choice();
        true
    }

    /// The places of the exercises that the list shows.
    pub fn visible(&self) -> Vec<usize> {
        let View::List(choice) = &self.view else {
            return Vec::new();
        };
        let wanted = choice.filter.to_lowercase();
        let exercises = self.project.exercises.iter().enumerate();
        let shown = exercises.filter(|(_, exercise)| {
            exercise.id.contains(&wanted)
                || exercise.title.to_lowercase().contains(&wanted)
        });
        shown.map(|(place, _)| place).collect()
    }

    /// Chooses the first line, if the chosen one is shown no more.
    fn choose_visible(&mut self) {
        let visible = self.visible();
        if let View::List(choice) = &mut self.view
            && !visible.contains(&choice.place)
            && let Some(&first) = visible.first()
        {
            choice.place = first;
        }
        self.scroll_to_choice();
    }

    fn scroll_to_choice(&mut self) {
        let line = super::frame::chosen_line(self);
        // Two lines more than needed: the lesson's heading stays in sight.
        self.scroll = self.scroll.min(line.saturating_sub(2));
        self.scroll = self.scroll.max((line + 2).saturating_sub(self.room));
    }

    // ---- the x-ray ----

    fn xray(&mut self) {
        self.show(View::Xray(Xray::default()));
        self.look_again();
    }

    fn xray_key(&mut self, key: &Key) -> bool {
        let View::Xray(xray) = &mut self.view else {
            return false;
        };
        match key {
            Key::Char(digit @ '0'..='9') if xray.typed.len() < 9 => {
                xray.typed.push(*digit);
            }
            Key::Backspace if !xray.typed.is_empty() => drop(xray.typed.pop()),
            Key::Enter if !xray.typed.is_empty() => {
                xray.pid = xray.typed.parse().ok();
                xray.typed.clear();
                self.scroll = 0;
                self.look_again();
            }
            _ => return false,
        }
        true
    }

    /// Takes a new picture of the process under the x-ray.
    pub fn look_again(&mut self) {
        let width = self.look.width;
        if let View::Xray(xray) = &mut self.view {
            xray.seen = crate::xrays::text(xray.pid, width);
        }
    }
}

/// Where a key moves the choice to, from line `now` of `0..=last`.
fn moved(key: &Key, now: usize, last: usize, room: usize) -> Option<usize> {
    let next = match key {
        Key::ArrowDown | Key::Char('j') => now + 1,
        Key::ArrowUp | Key::Char('k') => now.saturating_sub(1),
        Key::PageDown | Key::Char(' ') => now + room,
        Key::PageUp => now.saturating_sub(room),
        Key::Home | Key::Char('g') => 0,
        Key::End | Key::Char('G') => last,
        _ => return None,
    };
    Some(next.min(last))
}
