//! Questions as they come in: JSON, the parameters of a URL, cursors; and what is wrong with them.

#![allow(clippy::unwrap_used, clippy::panic)]

use chrono_tz::Tz;
use event_core::filter::{Condition, Field, Scalar, Test};
use event_core::query::Measure;
use event_core::query::{Bucket, Cursor, Order, Page, ParameterError, Unit};
use event_core::{Code, Filter, Query, Timestamp, arbitrary};
use proptest::prelude::*;

fn pairs(text: &str) -> Vec<(&str, &str)> {
    text.split('&').filter_map(|pair| pair.split_once('=')).collect()
}

fn wrong<T: std::fmt::Debug>(result: Result<T, ParameterError>) -> (String, Code) {
    let error = result.unwrap_err();
    assert!(!error.message.is_empty());
    (error.parameter, error.code)
}

#[test]
fn every_parameter_of_a_query() {
    let text = "measure=avg:/v&by=name&by=data./a/b&bucket=week&zone=Europe/Paris&from=2026-03-29\
                &to=2026-03-30T00:00:00+02:00&top=3&category=order&session=s-1&/n=1&data./s=x";
    let built = Query {
        measure: Measure::Average("/v".parse().unwrap()),
        by: vec![Field::Name, "/a/b".parse().unwrap()],
        bucket: Some(Bucket::new(Unit::Week, Tz::Europe__Paris)),
        from: Some("2026-03-28T23:00:00Z".parse().unwrap()),
        to: Some("2026-03-29T22:00:00Z".parse().unwrap()),
        top: Some(3),
        filter: Filter::new()
            .and(Field::Category, Test::equals("order"))
            .and(Field::SessionId, Test::equals("s-1"))
            .and("/n".parse().unwrap(), Test::OneOf(vec!["1".into(), 1.into()]))
            .and("/s".parse().unwrap(), Test::equals("x")),
    };
    assert_eq!(Query::from_pairs(pairs(text)), Ok(built.clone()));
    assert_eq!(
        Query::from_json(serde_json::to_string(&built).unwrap().as_bytes()),
        Ok(built)
    );
    assert_eq!(Query::from_pairs([]), Ok(Query::new(Measure::Count)));
    assert_eq!(Query::from_json(b"{}"), Ok(Query::new(Measure::Count)));
    assert_eq!(
        Query::from_json(br#"{"by": "name"}"#),
        Ok(Query::new(Measure::Count).by(Field::Name))
    );
}

#[test]
fn what_parameters_cannot_say_is_left_to_json() {
    let with = |test| Query::new(Measure::Count).with_filter(Filter::new().and("/a".parse().unwrap(), test));
    for (test, value) in [
        (Test::equals("x"), "x"),
        (Test::equals(""), ""),
        (Test::OneOf(vec!["1".into(), 1.into()]), "1"),
        (Test::OneOf(vec!["null".into(), Scalar::Null]), "null"),
    ] {
        let pairs = with(test.clone()).to_pairs().unwrap_or_else(|| panic!("{test:?}"));
        assert_eq!(pairs[1..], [("/a".to_owned(), value.to_owned())], "{test:?}");
    }
    for test in [
        Test::equals(1),
        Test::equals("1"),
        Test::equals("null"),
        Test::Equals(Scalar::Null),
        Test::one_of(["x"]),
        Test::one_of(["1", "2"]),
        Test::OneOf(vec![1.into(), "1".into()]),
        Test::range(Some(1), None),
    ] {
        assert_eq!(with(test.clone()).to_pairs(), None, "{test:?}");
    }
    let inside = with(Test::contains("1")).to_pairs().unwrap();
    assert_eq!(inside[1..], [("contains./a".to_owned(), "1".to_owned())]);
    let twice = Filter::new()
        .and(Field::Name, Test::equals("a"))
        .and(Field::Name, Test::equals("b"));
    let no_name = Filter::new().and(Field::Name, Test::equals(""));
    for filter in [twice, no_name] {
        assert_eq!(Query::new(Measure::Count).with_filter(filter).to_pairs(), None);
    }
    assert_eq!(Query::new(Measure::Count).top(0).to_pairs(), None);
}

#[test]
fn a_text_inside_is_a_filter_of_its_own() {
    let query = Query::from_pairs(pairs("/message=a&contains./message=b&contains.session=%")).unwrap();
    let built = Filter::new()
        .and("/message".parse().unwrap(), Test::equals("a"))
        .and("/message".parse().unwrap(), Test::contains("b"))
        .and(Field::SessionId, Test::contains("%"));
    assert_eq!(query.filter, built);
    for (text, parameter, code) in [
        (
            "contains./a=x&contains.data./a=y",
            "contains.data./a",
            Code::InvalidParameter,
        ),
        ("contains.colour=x", "contains.colour", Code::UnknownParameter),
        ("contains.=x", "contains.", Code::UnknownParameter),
    ] {
        let error = Query::from_pairs(pairs(text)).unwrap_err();
        assert_eq!((error.parameter.as_str(), error.code), (parameter, code), "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_parameter() {
    for (text, parameter, code) in [
        ("colour=red", "colour", Code::UnknownParameter),
        ("data.x=1", "data.x", Code::UnknownParameter),
        ("limit=5", "limit", Code::UnknownParameter),
        ("measure=count&measure=count", "measure", Code::InvalidParameter),
        ("measure=mode:/x", "measure", Code::InvalidParameter),
        ("measure=sum:x", "measure", Code::InvalidParameter),
        ("measure=sum", "measure", Code::InvalidParameter),
        ("by=colour", "by", Code::InvalidParameter),
        ("by=name&by=name", "by", Code::InvalidParameter),
        ("by=/a&by=data./a", "by", Code::InvalidParameter),
        ("bucket=year", "bucket", Code::InvalidParameter),
        ("zone=Mars/Base", "zone", Code::InvalidParameter),
        ("zone=+02:00", "zone", Code::InvalidParameter),
        ("from=yesterday", "from", Code::InvalidTimestamp),
        ("to=", "to", Code::InvalidTimestamp),
        ("from=1969-12-31", "from", Code::TimestampOutOfRange),
        (
            "from=2026-11-01 01:30:00&zone=America/New_York",
            "from",
            Code::AmbiguousTimestamp,
        ),
        ("zone=Pacific/Apia&to=2011-12-30", "to", Code::InvalidTimestamp),
        ("from=2026-01-02&to=2026-01-01", "to", Code::InvalidRange),
        ("top=0", "top", Code::InvalidLimit),
        ("top=10001", "top", Code::InvalidLimit),
        ("top=1000000000000000000000000", "top", Code::InvalidLimit),
        ("top=-1", "top", Code::InvalidLimit),
        ("top=", "top", Code::InvalidLimit),
        ("name=", "name", Code::InvalidParameter),
        ("session=a b", "session", Code::InvalidParameter),
        ("session=a&session_id=a", "session_id", Code::InvalidParameter),
        ("/a=1&data./a=2", "data./a", Code::InvalidParameter),
    ] {
        assert_eq!(
            wrong(Query::from_pairs(pairs(text))),
            (parameter.to_owned(), code),
            "{text}"
        );
    }
}

#[test]
fn what_is_wrong_with_a_body() {
    for (text, parameter, code) in [
        ("", "", Code::MalformedJson),
        ("[]", "", Code::InvalidParameter),
        (r#"{"top": 1, "top": 2}"#, "/top", Code::DuplicateKey),
        (r#"{"colour": 1}"#, "colour", Code::UnknownParameter),
        (r#"{"measure": 1}"#, "measure", Code::InvalidParameter),
        (r#"{"by": {"a": 1}}"#, "by", Code::InvalidParameter),
        (r#"{"by": [1]}"#, "by", Code::InvalidParameter),
        (r#"{"top": "5"}"#, "top", Code::InvalidParameter),
        (r#"{"top": 1e9}"#, "top", Code::InvalidLimit),
        (r#"{"top": 1.5}"#, "top", Code::InvalidLimit),
        (r#"{"from": 5}"#, "from", Code::InvalidParameter),
        (r#"{"filter": []}"#, "filter", Code::InvalidParameter),
        (
            r#"{"filter": {"all": [["name", 1]]}}"#,
            "filter",
            Code::InvalidParameter,
        ),
        (r#"{"filter": {"any": []}}"#, "filter", Code::InvalidParameter),
        (
            r#"{"filter": {"all": [{"field": "colour", "equals": 1}]}}"#,
            "filter",
            Code::InvalidParameter,
        ),
        (
            r#"{"filter": {"all": [{"field": "name"}]}}"#,
            "filter",
            Code::InvalidParameter,
        ),
        (
            r#"{"filter": {"all": [{"field": "name", "equals": 1, "in": [1]}]}}"#,
            "filter",
            Code::InvalidParameter,
        ),
        (
            r#"{"filter": {"all": [{"field": "name", "equals": [1]}]}}"#,
            "filter",
            Code::InvalidParameter,
        ),
        (
            r#"{"filter": {"all": [{"field": "name", "from": 1, "to": "a"}]}}"#,
            "filter",
            Code::InvalidParameter,
        ),
        (
            r#"{"filter": {"all": [{"field": "name", "from": null}]}}"#,
            "filter",
            Code::InvalidParameter,
        ),
        (
            r#"{"filter": {"all": [{"field": "name", "like": "a"}]}}"#,
            "filter",
            Code::InvalidParameter,
        ),
    ] {
        assert_eq!(
            wrong(Query::from_json(text.as_bytes())),
            (parameter.to_owned(), code),
            "{text}"
        );
    }
    assert_eq!(Query::from_json(br#"{"top": 5.0}"#).unwrap().top, Some(5));
    let null = Query::from_json(br#"{"filter": {"all": [{"field": "/a", "equals": null}]}}"#).unwrap();
    assert_eq!(null.filter.all[0].test, Test::Equals(Scalar::Null));
}

#[test]
fn a_url_has_no_kinds_of_value() {
    let test = |value: &str| Query::from_pairs([("/a", value)]).unwrap().filter.all.remove(0).test;
    for (value, scalar) in [
        ("1", "1"),
        ("-0.5", "-0.5"),
        ("1e300", "1e300"),
        ("true", "true"),
        ("false", "false"),
        ("null", "null"),
    ] {
        let scalar = serde_json::from_str(scalar).unwrap();
        assert_eq!(test(value), Test::OneOf(vec![value.into(), scalar]));
    }
    // Not the canonical text of any number.
    for value in [
        "",
        "1.0",
        "01",
        "+1",
        "1e3",
        "-0",
        " 1",
        "NaN",
        "!.5",
        "1.5.5",
        "9223372036854775808",
        "\"a\"",
        "[1]",
    ] {
        assert_eq!(test(value), Test::equals(value));
    }
}

#[test]
fn pages() {
    let page = Page::from_pairs([]).unwrap();
    assert_eq!((page.order, page.limit, page.cursor), (Order::Ascending, 100, None));
    for (text, parameter, code) in [
        ("limit=0", "limit", Code::InvalidLimit),
        ("limit=1001", "limit", Code::InvalidLimit),
        ("limit=1000000000", "limit", Code::InvalidLimit),
        ("order=up", "order", Code::InvalidParameter),
        ("measure=count", "measure", Code::UnknownParameter),
        ("from=2026-01-02&to=2026-01-01", "to", Code::InvalidRange),
        ("cursor=", "cursor", Code::InvalidCursor),
        ("cursor=zz", "cursor", Code::InvalidCursor),
        ("cursor=é", "cursor", Code::InvalidCursor),
    ] {
        assert_eq!(
            wrong(Page::from_pairs(pairs(text))),
            (parameter.to_owned(), code),
            "{text}"
        );
    }
}

#[test]
fn a_cursor_belongs_to_its_question() {
    let at: Timestamp = "2026-03-29T01:00:00.000001Z".parse().unwrap();
    let question = "category=a&/n=1&from=2026-03-29";
    let next = Page::from_pairs(pairs(question)).unwrap().next(at, i64::MAX);
    let read = |text: &str, cursor: &str| {
        let pairs = pairs(text).into_iter().chain([("cursor", cursor)]);
        Page::from_pairs(pairs).map(|page| page.cursor)
    };
    let place = Ok(Some(Cursor {
        occurred_at: at,
        position: i64::MAX,
    }));
    assert_eq!(read(question, &next), place);
    // The same question, said otherwise; another limit is no other question.
    for same in [
        "/n=1&category=a&from=2026-03-29",
        "category=a&data./n=1&from=2026-03-29T00:00:00Z&limit=7&order=asc",
    ] {
        assert_eq!(read(same, &next), place, "{same}");
    }
    for other in [
        "category=b&/n=1&from=2026-03-29",
        "category=a&/n=1",
        "category=a&/n=1&from=2026-03-29&order=desc",
    ] {
        assert_eq!(wrong(read(other, &next)).1, Code::InvalidCursor, "{other}");
    }
    for at in 0..next.len() {
        let mut bytes = next.clone().into_bytes();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let altered = String::from_utf8(bytes).unwrap();
        assert_eq!(wrong(read(question, &altered)).1, Code::InvalidCursor, "{altered}");
    }
    assert_eq!(wrong(read(question, &next.to_uppercase())).1, Code::InvalidCursor);
}

/// Bounds that JSON can write: of one kind, and one at the least.
fn writable(condition: &Condition) -> bool {
    !matches!(&condition.test, Test::Range { from: None, to: None })
}

/// Text of a parameter, often one that stands for more than the string.
fn parameter() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,6}",
        "-?[0-9]{1,3}(\\.[0-9])?",
        Just("null".to_owned()),
        Just("true".to_owned())
    ]
}

fn read(pairs: &[(String, String)]) -> Query {
    Query::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))).unwrap()
}

proptest! {
    #[test]
    fn questions_read_back_from_json(query in arbitrary::query()) {
        prop_assume!(query.filter.all.iter().all(writable));
        let text = serde_json::to_string(&query).unwrap();
        prop_assert_eq!(&Query::from_json(text.as_bytes()).unwrap(), &query, "{}", text);
        prop_assert_eq!(&serde_json::from_str::<Query>(&text).unwrap(), &query);
    }

    #[test]
    fn questions_read_back_from_parameters(
        query in arbitrary::query(),
        filters in proptest::collection::vec((arbitrary::field(), parameter()), 0..4),
    ) {
        if let Some(pairs) = query.to_pairs() {
            prop_assert_eq!(&read(&pairs), &query, "{:?}", pairs);
        }
        // Whatever parameters can say is said by parameters.
        let filters: Vec<(String, String)> = filters
            .into_iter()
            .map(|(field, value)| (field.to_string(), value))
            .collect();
        let asked = filters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if let Ok(Query { filter, .. }) = Query::from_pairs(asked) {
            let query = query.with_filter(filter);
            prop_assert_eq!(&read(&query.to_pairs().unwrap()), &query);
        }
    }

    #[test]
    fn no_text_makes_it_panic(name in "[a-z./~]{0,8}", value in "\\PC{0,12}", body in "\\PC{0,40}") {
        let _ = Query::from_pairs([(name.as_str(), value.as_str()), ("/a", value.as_str()), ("from", value.as_str())]);
        let _ = Page::from_pairs([("cursor", value.as_str()), (name.as_str(), value.as_str())]);
        let _ = Query::from_json(body.as_bytes());
    }

    #[test]
    fn cursors_read_back(page in arbitrary::page(), at in arbitrary::instant(), position in any::<i64>()) {
        let text = page.next(at, position);
        prop_assert_eq!(Cursor::read(&text, &page.question()), Some(Cursor { occurred_at: at, position }));
    }
}
