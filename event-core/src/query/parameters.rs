//! What stands behind the question mark of a URL.

use percent_encoding::percent_decode_str;

use super::parameter::ParameterError;
use crate::code::Code;

/// The parameters of a URL, decoded, in their order.
///
/// ```
/// use event_core::query::Parameters;
/// let parameters = Parameters::read("customer=a%20b&count=5")?;
/// let [count, customer, zone] = parameters.once(["count", "customer", "zone"])?;
/// assert_eq!((count, customer, zone), (Some("5"), Some("a b"), None));
/// // What a service does not know is not passed over.
/// assert_eq!(parameters.once(["count"]).unwrap_err().parameter, "customer");
/// # Ok::<(), event_core::query::ParameterError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads the query of a URL, as browsers and forms write it: a `+` is a space.
    ///
    /// # Errors
    /// The first parameter that is not UTF-8.
    pub fn read(query: &str) -> Result<Self, ParameterError> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let decoded = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let wrong = || ParameterError::new(name, Code::InvalidParameter, "this is not UTF-8");
            Ok((decode(name).ok_or_else(wrong)?, decode(value).ok_or_else(wrong)?))
        });
        decoded.collect::<Result<_, _>>().map(Parameters)
    }

    /// Names and values, in their order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The values of parameters that may be given once each.
    ///
    /// # Errors
    /// The first parameter that is none of these, or is given twice.
    pub fn once<const N: usize>(&self, known: [&str; N]) -> Result<[Option<&str>; N], ParameterError> {
        let mut values = [None; N];
        for (name, value) in self.pairs() {
            let Some(at) = known.iter().position(|known| *known == name) else {
                return Err(if N == 0 {
                    let message = "unknown parameter; there are none";
                    ParameterError::new(name, Code::UnknownParameter, message)
                } else {
                    ParameterError::unknown(name, &known.join(", "))
                });
            };
            if values[at].replace(value).is_some() {
                return Err(ParameterError::new(name, Code::InvalidParameter, "this is given twice"));
            }
        }
        Ok(values)
    }

    /// The same parameters by the names that a question has for them: of a service that calls `start_date` what
    /// is `from` here, and knows no parameters but those of `names`.
    ///
    /// ```
    /// use event_core::Query;
    /// use event_core::query::Parameters;
    /// let names = [("customer", "subject"), ("start_date", "from")];
    /// let asked = Parameters::read("customer=66f6&start_date=2020-09-01")?;
    /// let query = Query::from_pairs(asked.translated(&names)?)?;
    /// assert_eq!(query.from, Some("2020-09-01T00:00:00Z".parse()?));
    ///
    /// // What is wrong with one is told by the name that it came under.
    /// let asked = Parameters::read("start_date=today")?;
    /// let error = Query::from_pairs(asked.translated(&names)?).unwrap_err();
    /// assert_eq!(error.translated(&names).parameter, "start_date");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The first parameter that has no other name.
    pub fn translated<'a>(&'a self, names: &[(&str, &'a str)]) -> Result<Vec<(&'a str, &'a str)>, ParameterError> {
        let known = || names.iter().map(|(outside, _)| *outside).collect::<Vec<_>>().join(", ");
        let translate = |(name, value)| match names.iter().find(|(outside, _)| *outside == name) {
            Some((_, inside)) => Ok((*inside, value)),
            None => Err(ParameterError::unknown(name, &known())),
        };
        self.pairs().map(translate).collect()
    }
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_once() {
        let parameters = Parameters::read("data./a%20b=x%26y+z&&limit=2&flag").unwrap();
        let pairs: Vec<_> = parameters.pairs().collect();
        assert_eq!(pairs, [("data./a b", "x&y z"), ("limit", "2"), ("flag", "")]);
        let error = Parameters::read("a=%ff").err().unwrap();
        assert_eq!((error.parameter.as_str(), error.code), ("a", Code::InvalidParameter));
    }

    #[test]
    fn what_comes_under_another_name_is_told_by_that_name() {
        let names = [("customer", "subject"), ("start", "from")];
        let asked = Parameters::read("start=x&customer=y").unwrap();
        assert_eq!(asked.translated(&names).unwrap(), [("from", "x"), ("subject", "y")]);
        assert_eq!(Parameters::default().translated(&names).unwrap(), []);
        let error = Parameters::read("from=x").unwrap().translated(&names).unwrap_err();
        assert_eq!((error.parameter.as_str(), error.code), ("from", Code::UnknownParameter));
        // What nobody knows has no other name.
        for (code, told) in [(Code::UnknownParameter, "from"), (Code::InvalidParameter, "start")] {
            assert_eq!(ParameterError::new("from", code, "").translated(&names).parameter, told);
            assert_eq!(ParameterError::new("to", code, "").translated(&names).parameter, "to");
        }
    }

    #[test]
    fn what_is_unknown_or_given_twice_is_named() {
        let parameters = Parameters::read("a=1&b=2").unwrap();
        assert_eq!(parameters.once(["b", "a", "c"]).unwrap(), [Some("2"), Some("1"), None]);
        let error = parameters.once(["a"]).unwrap_err();
        assert_eq!((error.parameter.as_str(), error.code), ("b", Code::UnknownParameter));
        let error = Parameters::read("a=1&a=1").unwrap().once(["a"]).unwrap_err();
        assert_eq!(error.code, Code::InvalidParameter);
        assert!(Parameters::read("").unwrap().once([]).is_ok());
    }
}
