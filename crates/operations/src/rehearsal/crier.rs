//! Lines of a rehearsal: a line is printed only when it differs from the last one about the same thing.

use std::collections::BTreeMap;

use super::checks::Answer;
use super::{Line, Voice};

/// Says lines, and keeps them.
pub(super) struct Crier<'a> {
    told: &'a mut dyn FnMut(&Line),
    pub(super) lines: Vec<Line>,
    said: BTreeMap<String, String>,
    answers: BTreeMap<String, (i32, String)>,
}

impl<'a> Crier<'a> {
    pub(super) fn new(told: &'a mut dyn FnMut(&Line)) -> Crier<'a> {
        Crier { told, lines: Vec::new(), said: BTreeMap::new(), answers: BTreeMap::new() }
    }

    /// Says something at a time.
    pub(super) fn say(&mut self, at: i64, voice: Voice, text: String) {
        let line = Line { at, voice, text };
        (self.told)(&line);
        self.lines.push(line);
    }

    /// Says what `status` has about a thing, if that is another text than before.
    pub(super) fn say_changed(&mut self, at: i64, about: &str, text: String) {
        if self.said.get(about) == Some(&text) || (text.is_empty() && !self.said.contains_key(about)) {
            return;
        }
        self.said.insert(about.to_owned(), text.clone());
        let text = if text.is_empty() { format!("{about}: nothing any more") } else { text };
        self.say(at, Voice::Status, text);
    }

    /// Says what a check has answered: at first if it is not OK, then when its status or its words are others. A figure or an age
    /// that grows is no news.
    pub(super) fn answered(&mut self, at: i64, answer: Answer) {
        let words: String = answer.line.chars().filter(|c| !c.is_ascii_digit()).collect();
        let before = self.answers.insert(answer.check.clone(), (answer.code, words.clone()));
        let is_news = match before {
            None => answer.code != 0,
            Some((code, _)) if code != answer.code => true,
            Some((_, before)) => answer.code != 0 && before != words,
        };
        if is_news {
            self.say(at, Voice::Check, format!("{}: {}", answer.check, answer.line));
        }
    }
}
