//! Steps from one version's data to the next, and the places that small objects have.

use proptest::prelude::*;

use super::json_scalar;
use crate::json::Pointer;
use crate::upcaster::{Conversion, Step};

/// Any step, about places that the data of other strategies often have.
pub fn step() -> impl Strategy<Value = Step> {
    let place = || {
        let names = proptest::sample::select(vec!["a", "b", "ab", "c", "x"]);
        proptest::collection::vec(names, 1..3).prop_map(Pointer::from_tokens)
    };
    let conversion = proptest::sample::select(vec![
        Conversion::String,
        Conversion::Number,
        Conversion::Integer,
        Conversion::Boolean,
        Conversion::Array,
    ]);
    prop_oneof![
        (place(), place()).prop_map(|(from, to)| Step::Move { from, to }),
        (place(), json_scalar()).prop_map(|(at, value)| Step::Default { at, value }),
        place().prop_map(|at| Step::Remove { at }),
        (place(), conversion).prop_map(|(at, to)| Step::Convert { at, to }),
    ]
}
