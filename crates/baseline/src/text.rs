//! The one line for people, within what Nagios and everything between it and a person lets through.

/// The longest line: about 80 characters, and enough for count, norm, since when, share and a cause of some words.
pub const LONGEST: usize = 96;

/// `11-24 08:32Z`.
pub fn moment(seconds: i64) -> String {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    // A year is counted from March, so that the leap day is its last one. A library for this would be a tenth of a check.
    let days = (seconds.div_euclid(86_400) + 719_468).rem_euclid(DAYS_OF_400_YEARS);
    let year = (days - days / 1460 + days / 36_524 - days / 146_096) / 365;
    let day = days - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let minute = seconds.rem_euclid(86_400) / 60;
    format!("{month:02}-{day:02} {:02}:{:02}Z", minute / 60, minute % 60)
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
    fn moments_are_those_of_the_calendar() {
        for seconds in (-100_000_000_000..200_000_000_000).step_by(12_345_678) {
            let expected =
                jiff::Timestamp::from_second(seconds).map(|time| time.strftime("%m-%d %H:%MZ").to_string());
            assert_eq!(Ok(moment(seconds)), expected.map_err(|_| ()), "{seconds}");
        }
    }

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
