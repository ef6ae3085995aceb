//! Enumerations whose members are words: one in rows, in JSON, on screens and in documents.

/// Makes an enumeration whose members are words.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$member_doc])* $member,)* }

        impl $name {
            /// All of them, in order.
            pub const ALL: &[$name] = &[$($name::$member,)*];

            /// The word for this value.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$member => $word,)* }
            }

            /// The one of a word.
            pub fn from_word(word: &str) -> Option<$name> {
                match word {
                    $($word => Some($name::$member),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<$name, String> {
                $name::from_word(word).ok_or_else(|| {
                    let all: Vec<&str> = $name::ALL.iter().map(|it| it.as_str()).collect();
                    format!("{word:?} is none of {}", all.join(", "))
                })
            }
        }
    };
}
