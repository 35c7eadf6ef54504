//! The terminal while `cargo learn` watches: raw keys, whole frames, no flicker.
//!
//! Only the rows that differ from the last frame are written, all in one write. What
//! the terminal was like before is put back on every way out: [`Screen`]'s drop, a
//! panic, a signal.

use std::io::{self, IsTerminal, Write};
use std::panic;
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::text;
use anyhow::{Context, Result};
use console::{Key, Term};
use rustix::termios::{self, OptionalActions, Termios};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};

/// What was before us, while it is not put back.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The alternate screen, no line wrap, no cursor; and the way back.
const ENTER: &str = "\x1b[?1049h\x1b[?7l\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?7h\x1b[?1049l";

/// Between these a terminal that knows them shows nothing half drawn.
const BEGIN: &str = "\x1b[?2026h";
const END: &str = "\x1b[?2026l";

/// The terminal, taken over.
pub struct Screen {
    shown: Vec<String>,
    size: (usize, usize),
    dumb: bool,
}

impl Screen {
    /// Whether there is a terminal at both ends: to read keys from and to draw on.
    pub fn is_there() -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Takes the terminal over. One that cannot move its cursor (`TERM=dumb`) gets
    /// lines, one below the other.
    pub fn open() -> Result<Screen> {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            restore();
            usual(panic);
            // Without the thread that panicked the others might wait for ever.
            process::exit(101);
        }));
        take_over()?;
        Ok(Screen {
            shown: Vec::new(),
            size: (0, 0),
            dumb: console::is_dumb(),
        })
    }

    /// Whether this terminal takes lines only.
    pub fn is_dumb(&self) -> bool {
        self.dumb
    }

    /// Shows a frame made for a terminal of this size (height, width): a line for
    /// each row, none wider than the terminal.
    pub fn draw(
        &mut self,
        frame: Vec<String>,
        size: (usize, usize),
    ) -> io::Result<()> {
        let mut out = String::from(BEGIN);
        let fresh = size != self.size;
        if fresh {
            out.push_str("\x1b[2J");
            self.shown.clear();
            self.size = size;
        }
        let before = out.len();
        let rows = frame.len().max(self.shown.len()).min(size.0);
        for row in 0..rows {
            let now = frame.get(row).map_or("", String::as_str);
            if self.shown.get(row).map(String::as_str) != Some(now) {
                out.push_str(&format!("\x1b[{};1H{now}\x1b[0m", row + 1));
                // After a full row the cursor still stands on its last column.
                if text::width(now) < size.1 {
                    out.push_str("\x1b[K");
                }
            }
        }
        self.shown = frame;
        if out.len() == before && !fresh {
            return Ok(());
        }
        out.push_str(END);
        write(&out)
    }

    /// Gives the terminal back, stops this process as Ctrl-Z does, and takes the
    /// terminal over again when the shell continues it.
    pub fn suspend(&mut self) -> Result<()> {
        restore();
        signal_hook::low_level::emulate_default_handler(SIGTSTP)
            .context("cannot stop this process")?;
        self.size = (0, 0); // nothing of the last frame is there any more
        take_over()
    }

    /// Prints lines on a terminal that cannot do more.
    pub fn print(&self, text: &str) -> io::Result<()> {
        write(text)
    }
}

/// The terminal's height and width at this moment.
pub fn size() -> (usize, usize) {
    let (height, width) = Term::stdout().size_checked().unwrap_or((24, 80));
    (usize::from(height), usize::from(width))
}

fn take_over() -> Result<()> {
    let before =
        termios::tcgetattr(io::stdin()).context("cannot ask the terminal")?;
    let mut raw = before.clone();
    raw.make_raw();
    raw.output_modes = before.output_modes; // a newline still returns the carriage
    *lock() = Some(before);
    termios::tcsetattr(io::stdin(), OptionalActions::Now, &raw)
        .context("cannot set the terminal up")?;
    if !console::is_dumb() {
        write(ENTER)?;
    }
    Ok(())
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back, the first time that it is called.
pub fn restore() {
    let Some(before) = lock().take() else {
        return;
    };
    if !console::is_dumb() {
        let _ = write(LEAVE);
    }
    // There may be no terminal any more; nothing is left to be done then.
    let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &before);
}

fn lock() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Reads keys in a thread of its own until there are no more; `None` is the end.
///
/// The next key is read only when the last one has been dealt with, which the
/// returned sender is told: console sets the terminal's modes before it reads, and
/// must not do so after the key that made us quit and put them back.
pub fn read_keys<T: Send + 'static>(
    keys: Sender<T>,
    event: fn(Option<Key>) -> T,
) -> Sender<()> {
    let (dealt_with, next) = mpsc::channel();
    thread::spawn(move || {
        let terminal = Term::stdout();
        loop {
            let key = terminal.read_key_raw().ok();
            let ended = key.is_none();
            if keys.send(event(key)).is_err() || ended || next.recv().is_err() {
                return;
            }
        }
    });
    dealt_with
}

/// The number of the signal that asks us to end, once one has; else 0.
pub fn signals() -> Result<Arc<AtomicUsize>> {
    let received = Arc::new(AtomicUsize::new(0));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        let number = usize::try_from(signal).unwrap_or_default();
        signal_hook::flag::register_usize(signal, Arc::clone(&received), number)
            .context("cannot listen to signals")?;
    }
    Ok(received)
}

/// Ends as the signal would have ended us, so that whoever sent it sees what it did.
pub fn end_by(received: &AtomicUsize) -> Result<()> {
    let signal = i32::try_from(received.load(Ordering::Relaxed)).unwrap_or_default();
    signal_hook::low_level::emulate_default_handler(signal)
        .context("cannot end by a signal")
}
