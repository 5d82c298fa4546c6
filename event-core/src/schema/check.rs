//! The verdict on the text of data, for those who keep nothing of it.

use super::Schema;
use crate::code::Code;
use crate::json::{Document, Kind, Payload};
use crate::limits::Limits;
use crate::refusal::Refusal;

impl Schema {
    /// Judges the JSON text of an event's data, and keeps nothing of it: the verdict is that of [`Payload::parse`] and
    /// [`Schema::validate`], told while the text is read wherever that can be.
    ///
    /// ```
    /// use event_core::{Code, Limits, Schema};
    /// let schema = Schema::compile(&serde_json::json!({"required": ["host"]}))?;
    /// let check = |text: &str| schema.check(text.as_bytes(), &Limits::default());
    /// assert_eq!(check(r#"{"host": "example.org"}"#), Ok(()));
    /// assert_eq!(check(r#"{"host": 1, "host": 2}"#).unwrap_err().code, Code::DuplicateKey);
    /// assert_eq!(check("{}").unwrap_err().violations[0].keyword, "required");
    /// # Ok::<(), event_core::schema::SchemaError>(())
    /// ```
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(&self, text: &[u8], limits: &Limits) -> Result<(), Refusal> {
        if self.surely_allows(text, limits) {
            return Ok(());
        }
        self.check_closely(text, limits)
    }

    /// The same without the first look, for who knows that it was [no use](Schema::surely_allows).
    ///
    /// # Errors
    /// As [`Schema::check`].
    pub fn check_closely(&self, text: &[u8], limits: &Limits) -> Result<(), Refusal> {
        let document = Document::parse(text, limits)?;
        let root = document.root();
        if root.kind() == Kind::Object && self.allows(root) {
            return Ok(());
        }
        // What is told of it is told of its canonical form, as everywhere.
        let payload = Payload::from_node(root, limits)?;
        self.validate(&payload).map_err(|violations| Refusal {
            violations,
            ..Refusal::new(Code::SchemaViolation, "", "")
        })
    }
}
