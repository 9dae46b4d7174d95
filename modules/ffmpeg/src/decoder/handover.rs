//! Turns between two threads of which one works at a time: the one that asks, and the one that answers
//! but may need more bytes before it can.
//!
//! FFmpeg's demuxers read: in the middle of a call they want the next bytes and wait for them. A module
//! is called with bytes and must return. So the demuxer works on a thread of its own, which is used
//! like a coroutine:
//!
//! * The asker hands over a *job* and waits. The worker does it and answers; then both are as before.
//! * A worker that needs bytes says that it is *hungry* instead. The asker may then do whatever it
//!   likes (return to the engine, above all), and later *feeds* it: with a chunk, or with the word that
//!   there are no more. Again it waits for the answer, or until the worker is hungry again.
//! * The asker *closes* at any time: the worker's waits end at once, also those still to come.
//! * A worker that ends by itself, by a panic, closes as well, so nobody waits for it.
//!
//! While the worker works the asker waits, and while the asker works the worker waits. What comes out
//! therefore depends on the bytes only, nobody has to be woken later, and one chunk is all that is ever
//! between the two. This file knows neither FFmpeg nor modules, so that a model can run it through
//! every interleaving.

use super::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The place where a job `J`, chunks of bytes `C` and an answer `A` change hands.
#[derive(Debug)]
pub(crate) struct Turns<J, C, A> {
    state: Mutex<State<J, C, A>>,
    changed: Condvar,
}

#[derive(Debug)]
enum State<J, C, A> {
    /// The asker's turn; nothing is asked.
    Idle,
    /// The worker's turn, with a job.
    Asked(J),
    /// The worker's turn; it has taken what it was given.
    Working,
    /// The asker's turn; the job needs bytes.
    Hungry,
    /// The worker's turn, with bytes; `None`: there are no more.
    Fed(Option<C>),
    /// The asker's turn, with the answer.
    Answered(A),
    Closed,
}

/// What the worker says when it gives the turn back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply<A> {
    /// The job is done.
    Answer(A),
    /// It goes on when it is fed.
    Hungry,
    /// The worker is gone.
    Gone,
}

impl<J, C, A> Turns<J, C, A> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State::Idle),
            changed: Condvar::new(),
        }
    }

    /// For the asker, when nothing is asked: hands over a job and waits for the reply.
    pub(crate) fn ask(&self, job: J) -> Reply<A> {
        self.give(State::Asked(job))
    }

    /// For the asker, when the worker is hungry: feeds it and waits for the reply.
    pub(crate) fn feed(&self, chunk: Option<C>) -> Reply<A> {
        self.give(State::Fed(chunk))
    }

    /// For either: ends all waits of the other, now and later.
    pub(crate) fn close(&self) {
        *self.lock() = State::Closed;
        self.changed.notify_all();
    }

    /// For the worker: waits for a job. `None` if there will be none.
    pub(crate) fn next_job(&self) -> Option<J> {
        let mut state = self.lock();
        loop {
            match std::mem::replace(&mut *state, State::Working) {
                State::Asked(job) => return Some(job),
                State::Closed => {
                    *state = State::Closed;
                    return None;
                }
                other => *state = other,
            }
            state = self.wait(state);
        }
    }

    /// For the worker, in the middle of a job: says that it is hungry and waits for bytes. The inner
    /// `None`: there are no more. The outer: it is to give up.
    pub(crate) fn next_chunk(&self) -> Option<Option<C>> {
        let mut state = self.lock();
        match *state {
            State::Working => *state = State::Hungry,
            // Nobody has asked, so nobody would feed.
            _ => return None,
        }
        self.changed.notify_all();
        loop {
            match std::mem::replace(&mut *state, State::Working) {
                State::Fed(chunk) => return Some(chunk),
                State::Closed => {
                    *state = State::Closed;
                    return None;
                }
                other => *state = other,
            }
            state = self.wait(state);
        }
    }

    /// For the worker: the job is done.
    pub(crate) fn answer(&self, answer: A) {
        let mut state = self.lock();
        if !matches!(*state, State::Closed) {
            *state = State::Answered(answer);
            self.changed.notify_all();
        }
    }

    fn give(&self, given: State<J, C, A>) -> Reply<A> {
        let mut state = self.lock();
        if matches!(*state, State::Closed) {
            return Reply::Gone;
        }
        *state = given;
        self.changed.notify_all();
        loop {
            state = self.wait(state);
            match std::mem::replace(&mut *state, State::Idle) {
                State::Answered(answer) => return Reply::Answer(answer),
                State::Hungry => {
                    *state = State::Hungry;
                    return Reply::Hungry;
                }
                State::Closed => {
                    *state = State::Closed;
                    return Reply::Gone;
                }
                other => *state = other,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<J, C, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<J, C, A>>) -> MutexGuard<'a, State<J, C, A>> {
        let waited = self.changed.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}
