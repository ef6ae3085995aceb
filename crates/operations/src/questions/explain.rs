//! Explanation of a failure: its meaning, the next try, and advice.

use serde::Serialize;
use state::read::failures::Group;

use super::signature;
use crate::codes::{self, Explained};
use crate::error::Error;
use crate::installation::Installation;

/// Explanation of a signature, a failure or a code.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The signature, if it is one.
    pub signature: Option<Group>,
    /// Effect of the operator's policy.
    pub policy: Option<String>,
    /// Explanations of its code, or of all codes of that name.
    pub codes: Vec<Explained>,
}

/// Explains a `STAGE/CODE`, a code, the beginning of a line that has one, or a signature by its short id. The state is
/// opened only for a signature.
///
/// # Errors
///
/// It is none of them.
pub fn explain(installation: &Installation, text: &str) -> Result<Explanation, Error> {
    let name = text.trim().split([':', ' ']).next().unwrap_or_default();
    let (stage, code) = name.split_once('/').map_or((None, name), |(stage, code)| (Some(stage), code));
    let found = codes::of(stage, code);
    if !found.is_empty() {
        return Ok(Explanation { signature: None, policy: None, codes: found });
    }
    if stage.is_none() && is_id(code) {
        let group = signature(&installation.open()?, code)?;
        let policy = group.policy.as_deref().and_then(codes::policy);
        let codes = codes::of(Some(&group.stage), &group.code);
        return Ok(Explanation { signature: Some(group), policy, codes });
    }
    let like = codes::like(code);
    let like = if like.is_empty() { String::new() } else { format!(" like it: {};", like.join(", ")) };
    Err(Error::NotFound(format!(
        "{name:?} is neither a stage/code nor the id of a signature;{like} `package-import explain` lists all codes"
    )))
}

/// True when a word can be the short id of a signature.
fn is_id(word: &str) -> bool {
    word.len() == 7 && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Explanations of all codes.
pub fn codes() -> Vec<Explained> {
    codes::all()
}
