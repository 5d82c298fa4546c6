//! Who looks at a page.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use event_store::api_key::{Access, Principal};

/// Whose key came with a request, if there are keys.
#[derive(Clone, Debug)]
pub(crate) struct Visitor(Option<Principal>);

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Visitor(parts.extensions.get().cloned()))
    }
}

impl Visitor {
    /// The key's holder.
    pub(crate) fn sender(&self) -> Option<&Principal> {
        self.0.as_ref()
    }

    /// What the key is known by.
    pub(crate) fn prefix(&self) -> Option<&str> {
        self.0.as_ref().map(|sender| sender.prefix.as_str())
    }

    /// Whether such requests may be made: while there are no keys, all of them.
    pub(crate) fn may(&self, access: Access) -> bool {
        self.0.as_ref().is_none_or(|sender| sender.rights.may(access))
    }
}
