//! Prints a line for each request. Nobody has to read it.

use std::io::Write;
use std::sync::mpsc::{self, SyncSender};
use std::time::Duration;

/// The number of lines that wait to be printed. More are dropped.
const WAITING: usize = 1_000;

/// A thread of its own, which may wait for a reader of the output without end.
pub(super) struct Printer(SyncSender<Line>);

enum Line {
    Of(String),
    /// The lines before it are printed.
    Mark(SyncSender<()>),
}

impl Printer {
    pub(super) fn start() -> Self {
        let (sender, lines) = mpsc::sync_channel(WAITING);
        std::thread::spawn(move || {
            for line in lines {
                match line {
                    // The output may be closed, which `println!` answers with a panic.
                    Line::Of(text) => drop(writeln!(std::io::stdout(), "{text}")),
                    Line::Mark(reached) => drop(reached.try_send(())),
                }
            }
        });
        Self(sender)
    }

    pub(super) fn print(&self, text: String) {
        let _ = self.0.try_send(Line::Of(text));
    }

    /// Waits until everything so far is printed, no longer than `longest`.
    pub(super) fn flush(&self, longest: Duration) {
        let (reached, mark) = mpsc::sync_channel(1);
        if self.0.try_send(Line::Mark(reached)).is_ok() {
            let _ = mark.recv_timeout(longest);
        }
    }
}
