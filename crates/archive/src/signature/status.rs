//! Reports of gpgv on its status descriptor (`doc/DETAILS` of GnuPG).

/// Prefix of a line of ours about a keyring that could not be used. gpgv's own lines begin with its name in brackets.
pub(super) const UNUSABLE: &str = "[keyring] ";

/// True when one signature is good. `VALIDSIG` follows on expired and revoked keys, too; it only counts after
/// `GOODSIG`.
pub(super) fn has_good_signature(status: &str, digests: Digests) -> bool {
    let mut good = false;
    for line in lines(status) {
        match keyword(line) {
            "NEWSIG" => good = false,
            "GOODSIG" => good = true,
            "EXPSIG" | "EXPKEYSIG" | "REVKEYSIG" | "BADSIG" | "ERRSIG" => good = false,
            "VALIDSIG" if good && digests.allow(line) => return true,
            _ => {}
        }
    }
    false
}

/// Digests that a signature may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digests {
    /// Digests that dpkg and apt accept: not MD5, SHA-1 or RIPEMD-160, for which another text with the same digest can
    /// be made.
    Strong,
    /// All digests, for signatures from before there were strong ones.
    Any,
}

impl Digests {
    fn allow(self, line: &str) -> bool {
        self == Digests::Any || digest(line).is_some_and(|digest| weak(digest).is_none())
    }
}

/// The number of the digest in a line of `VALIDSIG`, where it is the eighth argument.
fn digest(line: &str) -> Option<u32> {
    line.split(' ').nth(8)?.parse().ok()
}

fn weak(digest: u32) -> Option<&'static str> {
    match digest {
        1 => Some("MD5"),
        2 => Some("SHA-1"),
        3 => Some("RIPEMD-160"),
        _ => None,
    }
}

/// The same of an old signature: that its key has expired since does not speak against it, if it was made before.
///
/// gpgv reports the expiry of every part of a key; that of the part that signed comes last before `SIG_ID`.
pub(super) fn was_good_signature(status: &str, digests: Digests) -> bool {
    let mut before = Expiry::default();
    let mut expired = None;
    for line in lines(status) {
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
                    && digests.allow(line)
                {
                    return true;
                }
            }
            _ => {}
        }
    }
    has_good_signature(status, digests)
}

/// Expiry times of the parts of a key.
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

/// True when the text was changed after it was signed, by any key.
pub(super) fn is_changed(status: &str) -> bool {
    keywords(status).any(|word| word == "BADSIG")
}

/// True when there were signatures, and the only objection is that their keys are not known.
pub(super) fn only_unknown_keys(status: &str) -> bool {
    // A valid signature that is not enough has a weak digest.
    let against = |word| matches!(word, "EXPSIG" | "EXPKEYSIG" | "REVKEYSIG" | "BADSIG" | "VALIDSIG");
    keywords(status).any(|word| word == "NO_PUBKEY") && !keywords(status).any(against)
}

fn lines(status: &str) -> impl Iterator<Item = &str> {
    status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] "))
}

fn keyword(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

fn keywords(status: &str) -> impl Iterator<Item = &str> {
    lines(status).map(keyword)
}

/// Objections of the status lines to the signatures, for operators.
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
            (Some("VALIDSIG"), Some(key)) => match digest(line).map(weak) {
                Some(Some(name)) => {
                    format!("the signature by key {key} was made with {name}, which is too weak")
                }
                Some(None) => continue,
                None => format!("the signature by key {key} does not say with which digest it was made"),
            },
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
        let status = "[GNUPG:] NEWSIG\n[GNUPG:] ERRSIG AA 1\n[GNUPG:] NO_PUBKEY AA\n[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG BB x\n[GNUPG:] VALIDSIG CC 2024-01-01 5 0 4 0 1 8 00 CC\n";
        assert!(has_good_signature(status, Digests::Strong));
    }

    #[test]
    fn an_old_signature_is_judged_by_when_it_was_made() {
        let status = |signed: i64, word: &str| {
            format!(
                "[GNUPG:] NEWSIG\n[GNUPG:] KEYEXPIRED 900\n[GNUPG:] KEYEXPIRED 100\n[GNUPG:] KEY_CONSIDERED A 0\n\
                 [GNUPG:] KEYEXPIRED 500\n[GNUPG:] SIG_ID x 2011-01-01 {signed}\n[GNUPG:] KEYEXPIRED 900\n\
                 [GNUPG:] KEY_CONSIDERED A 0\n[GNUPG:] {word} A x\n[GNUPG:] VALIDSIG A 2011-01-01 {signed} 0 4 0 1 8 00 A\n"
            )
        };
        assert!(was_good_signature(&status(499, "EXPKEYSIG"), Digests::Strong));
        assert!(
            !was_good_signature(&status(500, "EXPKEYSIG"), Digests::Strong),
            "the part that signed had expired"
        );
        assert!(
            !has_good_signature(&status(499, "EXPKEYSIG"), Digests::Strong),
            "of what is published now it counts"
        );
        for word in ["REVKEYSIG", "EXPSIG", "BADSIG"] {
            assert!(!was_good_signature(&status(1, word), Digests::Strong), "{word}");
        }
        assert!(was_good_signature(
            "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG A x\n[GNUPG:] VALIDSIG A 2011-01-01 5 0 4 0 1 8 00 A\n",
            Digests::Strong
        ));
    }

    #[test]
    fn a_valid_signature_by_an_expired_or_revoked_key_is_not() {
        for word in ["EXPKEYSIG", "REVKEYSIG", "EXPSIG"] {
            let status = format!(
                "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG A x\n[GNUPG:] NEWSIG\n[GNUPG:] {word} B x\n[GNUPG:] VALIDSIG C 2024-01-01 5 0 4 0 1 8 00 C\n"
            );
            assert!(!has_good_signature(&status, Digests::Strong), "{word}");
            assert!(!only_unknown_keys(&format!("{status}[GNUPG:] NO_PUBKEY D\n")), "{word}");
        }
        assert_eq!(reasons("[GNUPG:] NO_PUBKEY AA\n"), "key AA is in none of the keyrings");
        assert!(only_unknown_keys("[GNUPG:] ERRSIG AA 1\n[GNUPG:] NO_PUBKEY AA\n"));
    }

    #[test]
    fn a_weak_digest_makes_no_good_signature() {
        for (number, name) in
            [(1, Some("MD5")), (2, Some("SHA-1")), (3, Some("RIPEMD-160")), (8, None), (10, None)]
        {
            let status = format!(
                "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG A x\n[GNUPG:] VALIDSIG A 2024-01-01 5 0 4 0 1 {number} 01 A\n"
            );
            assert_eq!(has_good_signature(&status, Digests::Strong), name.is_none(), "{number}");
            assert_eq!(was_good_signature(&status, Digests::Strong), name.is_none(), "{number}");
            assert!(has_good_signature(&status, Digests::Any) && was_good_signature(&status, Digests::Any));
            if let Some(name) = name {
                assert!(reasons(&status).contains(name), "{}", reasons(&status));
                assert!(!only_unknown_keys(&format!("{status}[GNUPG:] NO_PUBKEY B\n")));
            }
        }
        let none = "[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG A x\n[GNUPG:] VALIDSIG A 2024-01-01 5 0 4\n";
        assert!(!has_good_signature(none, Digests::Strong), "{}", reasons(none));
    }
}
