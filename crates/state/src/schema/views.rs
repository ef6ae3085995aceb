//! The views that the checks read.

/// Their text: they are made anew after each step, and kept when tables change.
pub(crate) const TEXT: &str = include_str!("views.sql");

/// The views, each with what it asks.
pub(crate) fn list() -> Vec<(String, String)> {
    let text: String = TEXT
        .lines()
        .filter(|line| !line.starts_with("--"))
        .fold(String::new(), |text, line| text + line + "\n");
    let view = |statement: &str| {
        let (name, query) = statement.trim().strip_prefix("CREATE VIEW ")?.split_once(" AS")?;
        Some((name.trim().to_owned(), query.to_owned()))
    };
    text.split(';').filter_map(view).collect()
}
