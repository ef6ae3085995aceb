//! Times of a day.

/// `07:30` as minutes of the day.
pub fn minute(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is no time of a day in UTC, such as 07:30");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str, most: i64| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| is_number && *number < most).ok_or_else(wrong)
    };
    Ok(number(hour, 24)? * 60 + number(minute, 60)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_day() {
        assert_eq!((minute("00:00"), minute("23:59"), minute("07:30")), (Ok(0), Ok(1439), Ok(450)));
        for wrong in ["", "7:30", "24:00", "07:60", "0730", "+7:30", "07:30:00", "-1:00"] {
            assert!(minute(wrong).unwrap_err().contains("no time of a day"), "{wrong}");
        }
    }
}
