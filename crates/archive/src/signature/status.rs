//! What gpgv reports on its status descriptor (`doc/DETAILS` of GnuPG).

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
