//! Names of users.

/// True when a text can be the name of a user, in records and on pages.
pub fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '+');
    !text.is_empty() && text.len() <= 64 && text.chars().all(allowed)
}
