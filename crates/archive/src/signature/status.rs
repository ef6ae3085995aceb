//! What gpgv reports on its status descriptor (`doc/DETAILS` of GnuPG).

/// Begins a line of ours about a keyring that could not be used. gpgv's own begin with its name in brackets.
pub(super) const UNUSABLE: &str = "[keyring] ";

/// Whether one signature is good. `VALIDSIG` stands behind expired and revoked keys too; only after `GOODSIG` it
/// means what its name says.
pub(super) fn has_good_signature(status: &str) -> bool {
    let mut good = false;
    for word in keywords(status) {
        match word {
            "NEWSIG" => good = false,
            "GOODSIG" => good = true,
            "EXPSIG" | "EXPKEYSIG" | "REVKEYSIG" | "BADSIG" | "ERRSIG" => good = false,
            "VALIDSIG" if good => return true,
            _ => {}
        }
    }
    false
}

/// The same of an old signature: that its key has expired since does not speak against it, if it was made before.
///
/// gpgv reports the expiry of every part of a key; that of the part that signed comes last before `SIG_ID`.
pub(super) fn was_good_signature(status: &str) -> bool {
    let mut before = Expiry::default();
    let mut expired = None;
    for line in status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")) {
        let words: Vec<&str> = line.split(' ').collect();
        let time = |place: usize| words.get(place).and_then(|word| word.parse::<i64>().ok());
        match words.first().copied() {
            Some("NEWSIG") => (before, expired) = (Expiry::default(), None),
            Some("KEYEXPIRED") => before.note(time(1)),
            Some("KEY_CONSIDERED") => before.own = None,
            Some("SIG_ID") => expired = before.own.or(before.earliest),
            Some("EXPKEYSIG") => {}
            Some("GOODSIG" | "EXPSIG" | "REVKEYSIG" | "BADSIG" | "ERRSIG") => expired = None,
            Some("VALIDSIG") => {
                if let (Some(signed), Some(expired)) = (time(3), expired)
                    && signed < expired
                {
                    return true;
                }
            }
            _ => {}
        }
    }
    has_good_signature(status)
}

/// When the parts of a key expired.
#[derive(Default)]
struct Expiry {
    own: Option<i64>,
    earliest: Option<i64>,
}

impl Expiry {
    fn note(&mut self, time: Option<i64>) {
        self.own = time;
        self.earliest = [self.earliest, time].into_iter().flatten().min();
    }
}

/// Whether the text is not what was signed, whoever signed it.
pub(super) fn is_changed(status: &str) -> bool {
    keywords(status).any(|word| word == "BADSIG")
}

/// Whether there were signatures, and all that speaks against them is that their keys are not known.
pub(super) fn only_unknown_keys(status: &str) -> bool {
    let against = |word| matches!(word, "EXPSIG" | "EXPKEYSIG" | "REVKEYSIG" | "BADSIG");
    keywords(status).any(|word| word == "NO_PUBKEY") && !keywords(status).any(against)
}

fn keywords(status: &str) -> impl Iterator<Item = &str> {
    status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")?.split(' ').next())
}

/// What the status lines say against the signatures, for a person.
pub(super) fn reasons(status: &str) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for line in status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")) {
        let mut words = line.split(' ');
        let reason = match (words.next(), words.next()) {
            (Some("NO_PUBKEY"), Some(key)) => format!("key {key} is in none of the keyrings"),
            (Some("BADSIG"), Some(key)) => format!("the text was changed after key {key} had signed it"),
            (Some("EXPSIG"), Some(key)) => format!("the signature by key {key} has expired"),
            (Some("EXPKEYSIG"), Some(key)) => format!("key {key} has expired"),
            (Some("REVKEYSIG"), Some(key)) => format!("key {key} was revoked"),
            _ => continue,
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let unusable = status.lines().filter_map(|line| line.strip_prefix(UNUSABLE));
    reasons.extend(unusable.map(str::to_owned));
    if reasons.is_empty() {
        "gpgv found no signature that it could check".to_owned()
    } else {
        reasons.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_signature_beside_an_unknown_one_is_enough() {
        let status = "[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG AA 1\n[GNUPG:] NO_PUBKEY AA\n[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG BB x\n[GNUPG:] VALIDSIG CC\n";
        assert!(has_good_signature(status));
    }

    #[test]
    fn an_old_signature_is_judged_by_when_it_was_made() {
        let status = |signed: i64, word: &str| {
            format!(
                "[GNUPG:] NEWSIG\n[GNUPG:] KEYEXPIRED 900\n[GNUPG:] KEYEXPIRED 100\n[GNUPG:] KEY_CONSIDERED A 0\n\
                 [GNUPG:] KEYEXPIRED 500\n[GNUPG:] SIG_ID x 2011-01-01 {signed}\n[GNUPG:] KEYEXPIRED 900\n\
                 [GNUPG:] KEY_CONSIDERED A 0\n[GNUPG:] {word} A x\n[GNUPG:] VALIDSIG A 2011-01-01 {signed} 0 4\n"
            )
        };
        assert!(was_good_signature(&status(499, "EXPKEYSIG")));
        assert!(!was_good_signature(&status(500, "EXPKEYSIG")), "the part that signed had expired");
        assert!(!has_good_signature(&status(499, "EXPKEYSIG")), "of what is published now it counts");
        for word in ["REVKEYSIG", "EXPSIG", "BADSIG"] {
            assert!(!was_good_signature(&status(1, word)), "{word}");
        }
        assert!(was_good_signature(
            "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG A x\n[GNUPG:] VALIDSIG A 2011-01-01 5 0 4\n"
        ));
    }

    #[test]
    fn a_valid_signature_by_an_expired_or_revoked_key_is_not() {
        for word in ["EXPKEYSIG", "REVKEYSIG", "EXPSIG"] {
            let status = format!(
                "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG A x\n[GNUPG:] NEWSIG\n[GNUPG:] {word} B x\n[GNUPG:] VALIDSIG C\n"
            );
            assert!(!has_good_signature(&status), "{word}");
            assert!(!only_unknown_keys(&format!("{status}[GNUPG:] NO_PUBKEY D\n")), "{word}");
        }
        assert_eq!(reasons("[GNUPG:] NO_PUBKEY AA\n"), "key AA is in none of the keyrings");
        assert!(only_unknown_keys("[GNUPG:] ERRSIG AA 1\n[GNUPG:] NO_PUBKEY AA\n"));
    }
}
