//! A question as members of a JSON object, or as the parameters of a URL or of a command.

use std::borrow::Cow;

use crate::filter::{Condition, Field, Filter, Scalar, Test};
use crate::json::{Document, Kind, Node};
use crate::query::ParameterError;
use crate::query::draft::{Draft, plain, wrong};
use crate::query::read::{JSON_LIMITS, question};

/// What is said of one member.
#[derive(Clone, Copy)]
pub(super) enum Said<'a> {
    /// A parameter: text of no kind.
    Text(&'a str),
    /// A value in JSON.
    Node(Node<'a>),
}

/// A question in the making; what all questions have is kept in a [`Draft`].
pub(super) trait Ask: Default {
    /// The members that there are, for people.
    const KNOWN: &'static str;

    /// Takes a member of its own; whether there is one of this name.
    fn member(&mut self, draft: &mut Draft, name: &str, said: Said<'_>) -> Result<bool, ParameterError>;
}

pub(super) fn from_pairs<'a, A: Ask>(
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(A, Draft), ParameterError> {
    let (mut asked, mut draft) = (A::default(), Draft::default());
    for (name, value) in pairs {
        plain(name, value)?;
        let said = Said::Text(value);
        let known = common(&mut draft, name, said)? || asked.member(&mut draft, name, said)?;
        if !known && !draft.filter(name, value)? {
            let known = format!("{}, from, to, zone and the filters", A::KNOWN);
            return Err(ParameterError::unknown(name, &known));
        }
    }
    Ok((asked, draft))
}

pub(super) fn from_json<A: Ask>(bytes: &[u8]) -> Result<(A, Draft), ParameterError> {
    let (mut asked, mut draft) = (A::default(), Draft::default());
    let document = question(bytes)?;
    for (name, node) in document.root().members() {
        let (name, said) = (&*name, Said::Node(node));
        if name == "filter" {
            draft.filter = said.filter(name)?;
        } else if !common(&mut draft, name, said)? && !asked.member(&mut draft, name, said)? {
            let known = format!("{}, from, to, zone and filter", A::KNOWN);
            return Err(ParameterError::unknown(name, &known));
        }
    }
    Ok((asked, draft))
}

fn common(draft: &mut Draft, name: &str, said: Said<'_>) -> Result<bool, ParameterError> {
    match name {
        "from" => draft.from(name, &said.text(name)?)?,
        "to" => draft.to(name, &said.text(name)?)?,
        "zone" => draft.zone(name, &said.text(name)?)?,
        _ => return Ok(false),
    }
    Ok(true)
}

impl<'a> Said<'a> {
    /// A text, or the text of a number.
    pub(super) fn text(self, name: &str) -> Result<Cow<'a, str>, ParameterError> {
        match self {
            Said::Text(text) => Ok(Cow::Borrowed(text)),
            Said::Node(node) if node.kind() == Kind::Number => Ok(Cow::Borrowed(node.text())),
            Said::Node(node) => node.as_str().ok_or_else(|| wrong(name, "this is a string")),
        }
    }

    /// Each element of a list, or the one that stands for it.
    pub(super) fn each(
        self,
        mut take: impl FnMut(Said<'a>) -> Result<(), ParameterError>,
    ) -> Result<(), ParameterError> {
        match self {
            Said::Node(node) if node.kind() == Kind::Array => {
                node.elements().try_for_each(|element| take(Said::Node(element)))
            }
            said => take(said),
        }
    }

    /// Which events: `{"all": […]}`; or an object of fields and what they equal, a list for one of several; or
    /// a text for the name of the event alone. As a parameter the object is written in JSON.
    pub(super) fn filter(self, name: &str) -> Result<Filter, ParameterError> {
        match self.labelled(name)? {
            (None, filter) => Ok(filter),
            (Some(_), _) => Err(wrong(name, "only steps have a label")),
        }
    }

    /// The same, with a `label` where the object has one.
    pub(super) fn labelled(self, name: &str) -> Result<(Option<String>, Filter), ParameterError> {
        match self {
            Said::Text(text) if text.starts_with('{') => {
                let document = Document::parse(text.as_bytes(), &JSON_LIMITS)
                    .map_err(|error| wrong(name, format!("this is not JSON (byte {})", error.offset)))?;
                object(name, document.root())
            }
            Said::Node(node) if node.kind() == Kind::Object => object(name, node),
            said => {
                let named = said.text(name).map_err(|_| {
                    wrong(
                        name,
                        "this is the name of an event, or an object of fields and what they equal",
                    )
                })?;
                Ok((None, Filter::new().and(Field::Name, Test::equals(&*named))))
            }
        }
    }
}

fn object(name: &str, node: Node<'_>) -> Result<(Option<String>, Filter), ParameterError> {
    let label = node
        .get("label")
        .map(|label| Said::Node(label).text(name).map(Cow::into_owned));
    let label = label.transpose()?;
    let members = || node.members().filter(|(member, _)| member != "label");
    if let Some(all) = node.get("all") {
        if let Some((other, _)) = members().find(|(member, _)| member != "all") {
            return Err(wrong(name, format!("beside all there is no {other}")));
        }
        let all = serde_json::from_str(all.text()).map_err(|error| wrong(name, error))?;
        return Ok((label, Filter { all }));
    }
    let condition = |(member, node): (Cow<'_, str>, Node<'_>)| {
        let field: Field = member.parse().map_err(|error| wrong(name, error))?;
        let scalar = |node: Node<'_>| {
            let read: Result<Scalar, _> = serde_json::from_str(node.text());
            read.map_err(|_| {
                wrong(
                    name,
                    format!("{member} is a string, number, boolean, null, or a list of those"),
                )
            })
        };
        let test = if node.kind() == Kind::Array {
            Test::OneOf(node.elements().map(scalar).collect::<Result<_, _>>()?)
        } else {
            Test::Equals(scalar(node)?)
        };
        Ok(Condition { field, test })
    };
    let all = members().map(condition).collect::<Result<Vec<_>, ParameterError>>()?;
    Ok((label, Filter { all }))
}
