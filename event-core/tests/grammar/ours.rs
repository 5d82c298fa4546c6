//! JSON that this house refuses.

use event_core::Code;
use event_core::Code::{DuplicateKey, InvalidKey, InvalidUnicode, NulCharacter, NumberOutOfRange};

/// What the grammar has, or leaves open, and this house refuses: why, and whether `serde_json` takes it.
pub(crate) const OURS: &[(&str, Code, bool)] = &[
    // Names that come twice have no meaning that all agree about (section 4).
    ("{\"a\":1,\"a\":1}", DuplicateKey, true),
    ("{\"a\":1,\"a\":2}", DuplicateKey, true),
    ("{\"a\":1,\"\\u0061\":2}", DuplicateKey, true),
    ("{\"b\":1,\"a\":2,\"b\":3}", DuplicateKey, true),
    ("{\"\\ud83d\\ude00\":1,\"\u{1f600}\":2}", DuplicateKey, true),
    ("{\"/\":1,\"\\/\":2}", DuplicateKey, true),
    ("[{\"a\":{\"b\":1,\"b\":2}}]", DuplicateKey, true),
    ("{\"\":1}", InvalidKey, true),
    ("[{\"a\":{\"\":1}}]", InvalidKey, true),
    // Not every database can store it.
    ("\"\\u0000\"", NulCharacter, true),
    ("\"a\\u0000b\"", NulCharacter, true),
    ("{\"\\u0000\":1}", NulCharacter, true),
    // Half of a character is none (8.2); there `serde_json` thinks the same.
    ("\"\\ud800\"", InvalidUnicode, false),
    ("\"\\uD800\"", InvalidUnicode, false),
    ("\"\\udbff\"", InvalidUnicode, false),
    ("\"\\udc00\"", InvalidUnicode, false),
    ("\"\\udfff\"", InvalidUnicode, false),
    ("\"\\udc00\\ud800\"", InvalidUnicode, false),
    ("\"\\ud800\\ud800\"", InvalidUnicode, false),
    ("\"\\ud800x\"", InvalidUnicode, false),
    ("\"\\ud800\\n\"", InvalidUnicode, false),
    ("\"\\ud800 \\udc00\"", InvalidUnicode, false),
    ("\"\\ud800\\u0041\"", InvalidUnicode, false),
    ("\"\\ud800\\ue000\"", InvalidUnicode, false),
    ("\"\\ud83d\\ude00\\ude00\"", InvalidUnicode, false),
    ("\"\\udead\"", InvalidUnicode, false),
    ("{\"\\ud800\":1}", InvalidUnicode, false),
    // Integers are exact, or they are none (6).
    ("9223372036854775808", NumberOutOfRange, true),
    ("-9223372036854775809", NumberOutOfRange, true),
    ("18446744073709551615", NumberOutOfRange, true),
    ("18446744073709551616", NumberOutOfRange, true),
    ("123456789012345678901234567890", NumberOutOfRange, true),
    ("-100000000000000000000", NumberOutOfRange, true),
    // What no float holds, nobody takes.
    ("1e309", NumberOutOfRange, false),
    ("-1e309", NumberOutOfRange, false),
    ("1.8e308", NumberOutOfRange, false),
    ("1e999999999999999999999999", NumberOutOfRange, false),
    ("[-1.5E+400]", NumberOutOfRange, false),
];
