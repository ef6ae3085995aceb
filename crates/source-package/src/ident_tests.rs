#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, name: &str, email: &str) {
    let ident = Ident::parse(text).unwrap();
    assert_eq!((ident.name(), ident.email()), (name, email), "{text}");
}

#[test]
fn reads_people() {
    check("Santiago Vila <sanvila@debian.org>", "Santiago Vila", "sanvila@debian.org");
    check("\"Doe, John\" <j@x>", "Doe, John", "j@x");
    check("Foo Bar, Jr. <j@x>", "Foo Bar, Jr.", "j@x");
    check("John \"Joe\" Doe <j@x>", "John \"Joe\" Doe", "j@x");
    check("j@x (John Doe)", "John Doe", "j@x");
    check("John Doe j@x", "John Doe", "j@x");
    check("John Doe (j@x)", "John Doe", "j@x");
    check("<j@x>", "j", "j@x");
    check("j@x", "j", "j@x");
    check("John Doe", "John Doe", "");
    check("John Doe <>", "John Doe", "");
    check("John Doe <j@x", "John Doe", "j@x");
    check("A <a@x>, B <b@y>", "A", "a@x");
    check("a@x, b@y", "a", "a@x");
    check("John <Joe> Doe <j@x>", "John Joe Doe", "j@x");
    check("John Doe <j at x>", "John Doe", "j at x");
    check("a\0b\tc\u{1b}  d <e<f@g\n>", "ab c d", "ef@g");
}

#[test]
fn nobody_is_none() {
    for text in ["", " ", "<>", "\"\" <>", "\0", "><"] {
        assert_eq!(Ident::parse(text), None, "{text:?}");
    }
    assert_eq!(Ident::new("", "").name(), "Unknown");
    assert_eq!(Ident::new("\"\"", "@x").name(), "Unknown");
}

#[test]
fn decodes_encoded_words() {
    let decoded = |text| decode_words(text);
    assert_eq!(decoded("=?UTF-8?q?Rapha=C3=ABl_Hertzog?= <x>"), "Raphaël Hertzog <x>");
    assert_eq!(decoded("=?iso-8859-1?Q?Rapha=EBl?= Hertzog"), "Raphaël Hertzog");
    assert_eq!(decoded("=?ISO-8859-15?B?pA==?="), "€");
    assert_eq!(decoded("=?utf-8?B?w6TDtsO8?="), "äöü");
    assert_eq!(decoded("a =?utf-8?q?=C3?= =?utf-8?q?=A4?= b"), "a ä b");
    assert_eq!(decoded("=?utf-8?q?a?= =?latin1?q?=E4?="), "aä");
    assert_eq!(decoded("=?koi8-r?q?=C1?= x"), "=?koi8-r?q?=C1?= x");
    assert_eq!(decoded("=?utf-8?q?=C3?="), "=?utf-8?q?=C3?=");
    assert_eq!(decoded("a=?b =?? =?utf-8?x?y?= =?utf-8*en?q?=zz_?="), "a=?b =?? =?utf-8?x?y?= =zz ");
}

#[test]
fn cuts_long_names() {
    let ident = Ident::new(&format!("x{} y", "ä".repeat(300)), &"a ".repeat(300));
    assert!(ident.name().len() <= 255 && ident.email().len() <= 255);
    assert!(ident.name().starts_with("xää"));
}

proptest! {
    #[test]
    fn never_panics_and_is_always_valid(text in "\\PC{0,60}|[=?utf8bqQB<>@(),\"A-D0-9\\x00-\\x20é]{0,60}") {
        if let Some(ident) = Ident::parse(&text) {
            for part in [ident.name(), ident.email()] {
                prop_assert!(!part.contains(|c: char| c.is_control() || c == '<' || c == '>'));
                prop_assert_eq!(part.trim(), part);
            }
            prop_assert!(!ident.name().is_empty());
        }
    }
}
