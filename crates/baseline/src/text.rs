//! The one line for people, within what Nagios and everything between it and a person lets through.

use jiff::Timestamp;

/// The longest line: about 80 characters, and enough for count, norm, since when, share and a cause of some words.
pub const LONGEST: usize = 96;

/// `11-24 08:32Z`.
pub fn moment(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(time) => time.strftime("%m-%d %H:%MZ").to_string(),
        Err(_) => "unknown".to_owned(),
    }
}

/// A value as a whole number.
pub fn whole(value: f64) -> String {
    format!("{:.0}", value.max(0.0))
}

/// ASCII without what shells, Nagios and Icinga take for their own; everything else becomes an underscore.
pub fn clean(text: &str) -> String {
    let allowed = |c: char| (c == ' ' || c.is_ascii_graphic()) && !"`~$&|'\"<>;".contains(c);
    text.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

/// The parts in order, joined. If they do not fit, those marked as optional go, the last of them first; then the end
/// is cut.
pub fn line(parts: &[(bool, String)]) -> String {
    let mut kept: Vec<(bool, String)> = parts.iter().map(|(can_go, part)| (*can_go, clean(part))).collect();
    while kept.iter().map(|(_, part)| part.len()).sum::<usize>() > LONGEST {
        let Some(last) = kept.iter().rposition(|(can_go, _)| *can_go) else { break };
        kept.remove(last);
    }
    let text: String = kept.into_iter().map(|(_, part)| part).collect();
    text.chars().take(LONGEST).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_optional_goes_before_the_cause_is_cut() {
        let parts = |cause: &str| {
            [
                (false, "1012 failing, normally 500".to_owned()),
                (true, " - 493 new".to_owned()),
                (false, cause.to_owned()),
            ]
        };
        assert_eq!(line(&parts(", here")), "1012 failing, normally 500 - 493 new, here");
        let long = ", 97% fetch/connect: archive unreachable for somebody who has no route";
        assert_eq!(
            line(&parts(long)),
            "1012 failing, normally 500, 97% fetch/connect: archive unreachable for somebody who has no route"
        );
    }
}
