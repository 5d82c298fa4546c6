//! A place in a list, as a token that only its own list takes back.

use std::fmt::Write as _;

const CHECK: usize = 8;

pub(super) fn write(place: &[u8], question: &str) -> String {
    let mut text = String::with_capacity(2 * (place.len() + CHECK));
    for byte in check(place, question).iter().chain(place) {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `None` if the token was altered, or given out for another question.
pub(super) fn read(text: &str, question: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let bytes: Vec<u8> = digits?
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    let (checked, place) = bytes.split_first_chunk::<CHECK>()?;
    (*checked == check(place, question) && text == write(place, question)).then(|| place.to_vec())
}

/// Tells a token from anything else; it is no secret, since a list shows what its cursor says.
fn check(place: &[u8], question: &str) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(b"cursor 2")
        .update(&(place.len() as u64).to_be_bytes())
        .update(place);
    let mut check = [0; CHECK];
    hasher.update(question.as_bytes()).finalize_xof().fill(&mut check);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_list_takes_a_token_back() {
        let token = write(b"place", "question");
        assert_eq!(read(&token, "question").as_deref(), Some(&b"place"[..]));
        assert_eq!(read(&token, "another question"), None);
        // Also what stands for the same bytes is another text.
        for other in [
            token.to_uppercase(),
            format!("{token}0"),
            token[..token.len() - 2].to_owned(),
            String::new(),
        ] {
            assert_eq!(read(&other, "question"), None, "{other}");
        }
    }
}
