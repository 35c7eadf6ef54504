//! Probes of futures and of executors, which are judged inside the child, and what a
//! server that drains has to do.

use wire::{Side, What};

use super::child::Report;
use super::stage::Stage;
use super::wait::On;
use super::{Faces, Probe, unless_it_panics};
use crate::symptom::{Kind, Symptom};

impl Probe {
    /// A probe of futures, or of what polls them, judged inside the child by `act`.
    ///
    /// Where no judgement comes, since the function sleeps or runs without an end,
    /// the symptom's `got` is the last thing that the story tells.
    pub fn tasks(
        name: &'static str,
        title: &'static str,
        act: impl Fn(&Report) -> Result<(), Symptom> + Send + Sync + 'static,
    ) -> Self {
        let act =
            move |report: &Report| report.judged(unless_it_panics(|| act(report)));
        let play = |stage: &mut Stage| {
            let judged = stage.judgement();
            judged.map_err(|symptom| match symptom.got.is_empty() {
                true => stage.with_the_last_of_the_story(symptom),
                false => symptom,
            })
        };
        Self::new(name, title, Faces::Script, Box::new(act), Box::new(play))
    }
}

impl Stage {
    fn with_the_last_of_the_story(&mut self, symptom: Symptom) -> Symptom {
        let Some(story) = self.story_so_far() else {
            return symptom;
        };
        let mut notes = story.events.iter().filter_map(|event| match &event.what {
            What::Note(text) => Some((event.side, text.clone())),
            _ => None,
        });
        let Some((side, text)) = notes.next_back() else {
            return symptom;
        };
        let who = match side {
            Side::Left => &story.left,
            Side::Right => &story.right,
        };
        let got = format!("{who}: {text}; and then nothing more");
        let expected = symptom.expected.clone();
        symptom.with_words(expected, got)
    }
}

impl Stage {
    /// Expects that the program stops listening, while it goes on otherwise.
    ///
    /// # Errors
    ///
    /// [`Kind::Leaks`] where it comes to rest and still listens.
    pub fn expect_deaf(&mut self) -> Result<(), Symptom> {
        let port = self.port();
        let listens = move || {
            let sockets = xray::tcp_on(port).unwrap_or_default();
            sockets.iter().any(xray::TcpSocket::is_listening)
        };
        let waited = self.wait(&On::Nothing, |_| Ok((!listens()).then_some(())))?;
        waited.map_err(|idle| {
            let summary = "callers can still connect";
            Symptom::new(Kind::Leaks, summary)
                .with_words("no socket that listens", "a socket that still listens")
                .while_idle(idle)
        })
    }
}
