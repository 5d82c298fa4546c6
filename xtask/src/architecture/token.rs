//! Rust text cut into words and signs, without comments and without what strings say.
//!
//! Enough to find paths, braces and attributes in code that compiles; a full parser would cost more time to build
//! than the whole of this crate, and could not look into macro calls.

/// A word, `::`, one sign, or the placeholder of a literal or lifetime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Stands for any string, character or number.
const LITERAL: &str = "\"";
/// Stands for any lifetime or label.
const LIFETIME: &str = "'";

impl Token {
    /// Whether it is an identifier or a keyword.
    pub(crate) fn is_word(&self) -> bool {
        self.text
            .starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

/// Cuts a file into its tokens.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut cutter = Cutter {
        text: text.chars().collect(),
        at: 0,
        line: 1,
        tokens: Vec::new(),
    };
    while cutter.step() {}
    cutter.tokens
}

struct Cutter {
    text: Vec<char>,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl Cutter {
    fn step(&mut self) -> bool {
        let Some(first) = self.peek(0) else { return false };
        match (first, self.peek(1)) {
            ('/', Some('/')) => self.skip_while(|sign| sign != '\n'),
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => self.quoted(),
            ('\'', _) => self.quote_or_lifetime(),
            (':', Some(':')) => self.push("::", 2),
            (sign, _) if sign.is_whitespace() => self.skip(1),
            (sign, _) if sign.is_ascii_digit() => {
                self.push(LITERAL, 0);
                self.skip_while(|sign| sign.is_alphanumeric() || sign == '_');
            }
            (sign, _) if sign.is_alphabetic() || sign == '_' => self.word_or_prefix(),
            (sign, _) => self.push(&sign.to_string(), 1),
        }
        true
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.line += usize::from(self.peek(0) == Some('\n'));
            self.at += 1;
        }
    }

    fn skip_while(&mut self, keep: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&keep) {
            self.skip(1);
        }
    }

    fn push(&mut self, text: &str, length: usize) {
        self.tokens.push(Token {
            text: text.to_owned(),
            line: self.line,
        });
        self.skip(length);
    }

    /// They nest.
    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while let Some(sign) = self.peek(0) {
            match (sign, self.peek(1)) {
                ('/', Some('*')) => {
                    depth += 1;
                    self.skip(2);
                }
                ('*', Some('/')) => {
                    depth -= 1;
                    self.skip(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.skip(1),
            }
        }
    }

    /// From the opening `"` to the closing one.
    fn quoted(&mut self) {
        self.push(LITERAL, 1);
        while let Some(sign) = self.peek(0) {
            match sign {
                '\\' => self.skip(2),
                '"' => return self.skip(1),
                _ => self.skip(1),
            }
        }
    }

    /// `'a'` and `'\n'` are characters, `'a` without a closing quote is a lifetime.
    fn quote_or_lifetime(&mut self) {
        match (self.peek(1), self.peek(2)) {
            (Some('\\'), _) => {
                self.push(LITERAL, 3);
                self.skip_while(|sign| sign != '\'');
                self.skip(1);
            }
            (Some(_), Some('\'')) => self.push(LITERAL, 3),
            _ => {
                self.push(LIFETIME, 1);
                self.skip_while(|sign| sign.is_alphanumeric() || sign == '_');
            }
        }
    }

    /// A word, unless it is what opens a raw or byte string: `r"`, `br#"`, `b'`, `c"`; or a raw word: `r#type`.
    fn word_or_prefix(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest
            .iter()
            .take_while(|sign| sign.is_alphanumeric() || **sign == '_')
            .count();
        let word: String = rest[..length].iter().collect();
        let hashes = rest[length..].iter().take_while(|sign| **sign == '#').count();
        let opens = rest.get(length + hashes).copied();
        match word.as_str() {
            "r" | "br" | "cr" if opens == Some('"') => self.raw(length + hashes + 1, hashes),
            "b" | "c" if hashes == 0 && opens == Some('"') => {
                self.skip(length);
                self.quoted();
            }
            "b" if hashes == 0 && opens == Some('\'') => {
                self.skip(length);
                self.quote_or_lifetime();
            }
            "r" if hashes == 1 && opens.is_some_and(|sign| sign.is_alphabetic() || sign == '_') => {
                self.skip(2);
                let length = self.text[self.at..]
                    .iter()
                    .take_while(|sign| sign.is_alphanumeric() || **sign == '_');
                let word: String = length.collect();
                // Kept apart from the keyword of the same letters.
                self.push(&format!("r#{word}"), word.chars().count());
            }
            _ => self.push(&word, length),
        }
    }

    fn raw(&mut self, opening: usize, hashes: usize) {
        self.push(LITERAL, opening);
        while let Some(sign) = self.peek(0) {
            let closes = sign == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == Some('#'));
            if closes {
                return self.skip(1 + hashes);
            }
            self.skip(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn words(text: &str) -> Vec<String> {
        tokens(text)
            .into_iter()
            .filter(super::Token::is_word)
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn comments_and_strings_say_nothing() {
        let text = r####"
            // crate::upper
            /// [`crate::upper`]
            /* crate /* nested */ ::upper */
            let a = "crate::upper \" crate::upper";
            let b = r#"crate::upper "quoted" crate"#;
            let c = b"crate" ; let d = br##"crate"# "##;
            let e = concat!("multi
                line crate");
        "####;
        assert_eq!(
            words(text),
            ["let", "a", "let", "b", "let", "c", "let", "d", "let", "e", "concat"]
        );
    }

    #[test]
    fn characters_are_not_lifetimes() {
        let text = r"fn f<'a>(x: &'a str) -> char { '\'' ; '}' ; b'\\'; '\u{7d}'; 'é'; 'label: loop {} }";
        assert_eq!(words(text), ["fn", "f", "x", "str", "char", "loop"]);
        let braces = tokens(text).iter().filter(|token| token.text == "}").count();
        assert_eq!(braces, 2);
    }

    #[test]
    fn lines_are_counted_through_everything() {
        let text = "/* one\n two */ a\n\"x\ny\" b\nr\"z\n\" c\n'\n' d";
        let lines: Vec<(String, usize)> = tokens(text)
            .into_iter()
            .filter(super::Token::is_word)
            .map(|token| (token.text, token.line))
            .collect();
        let expected = [("a", 2), ("b", 4), ("c", 6), ("d", 8)];
        assert_eq!(lines, expected.map(|(word, line)| (word.to_owned(), line)));
    }

    #[test]
    fn numbers_ranges_and_raw_words() {
        assert_eq!(
            words("0x1f_u8 1.5e3 0..limit r#mod x.0.y"),
            ["limit", "r#mod", "x", "y"]
        );
    }
}
