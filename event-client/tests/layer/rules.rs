//! Events that are chosen, without asking.

use event_client::layer::Rule;
use tracing::level_filters::LevelFilter;

use crate::both;

#[test]
fn all_that_a_rule_says_must_hold() {
    both(
        |layer| {
            let rule = Rule::events("log").levels(LevelFilter::WARN).targets(["shop", "till"]);
            layer.rule(rule.filter(|metadata| metadata.fields().field("value").is_some()))
        },
        |collected| {
            tracing::warn!(target: "shop::cart", value = 1, "one");
            tracing::error!(target: "till", value = 2, "two");
            tracing::info!(target: "shop::cart", value = 3, "its level does not");
            tracing::warn!(target: "shopping", value = 4, "its target does not");
            tracing::warn!(target: "shop", other = 5, "the filter does not");
            tracing::error_span!(target: "shop", "a span is no event", value = 6).in_scope(|| {});
            assert_eq!(
                collected.assert_one("log", "shop::cart").payload().as_str(),
                r#"{"value":1}"#
            );
            assert_eq!(collected.assert_one("log", "till").payload().as_str(), r#"{"value":2}"#);
            assert_eq!(collected.events().len(), 2);
        },
    );
}

#[test]
fn the_first_rule_that_fits_counts_and_fields_overrule_it() {
    both(
        |layer| {
            let first = Rule::events("first")
                .targets(["shop"])
                .named(|metadata| metadata.level().to_string());
            layer.rule(first.with_message()).rule(Rule::events("second"))
        },
        |collected| {
            tracing::info!(target: "shop", "one");
            tracing::info!(target: "till", "two");
            tracing::info!(target: "shop", { event.name = "created" }, "three");
            assert_eq!(
                collected.assert_one("first", "INFO").payload().as_str(),
                r#"{"message":"one"}"#
            );
            assert_eq!(collected.assert_one("second", "till").payload().as_str(), "{}");
            collected.assert_one("log", "created");
            assert_eq!(collected.events().len(), 3);
        },
    );
}
