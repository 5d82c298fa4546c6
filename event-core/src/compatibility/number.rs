//! The order of two numbers of a schema, exactly.

use std::cmp::Ordering;

use serde_json::Number;

/// Compares by value: whole numbers as such, also with floats.
pub(super) fn compare(a: &Number, b: &Number) -> Ordering {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(a), None) => with_float(a, b.as_f64().unwrap_or_default()),
        (None, Some(b)) => with_float(b, a.as_f64().unwrap_or_default()).reverse(),
        (None, None) => {
            let (a, b) = (a.as_f64().unwrap_or_default(), b.as_f64().unwrap_or_default());
            a.partial_cmp(&b).unwrap_or(Ordering::Equal)
        }
    }
}

/// The whole number that one is, however it is written.
pub(super) fn whole(number: &Number) -> Option<i128> {
    let int = number.as_i64().map(i128::from).or(number.as_u64().map(i128::from));
    int.or_else(|| {
        let float = number.as_f64()?;
        // Exact: every integral float in this range is an i128.
        #[allow(clippy::cast_possible_truncation)]
        (float.fract() == 0.0 && float.abs() < 1e30).then_some(float as i128)
    })
}

fn with_float(int: i128, float: f64) -> Ordering {
    if float.abs() >= 1e30 {
        return if float > 0.0 { Ordering::Less } else { Ordering::Greater };
    }
    // Exact, and cut towards zero.
    #[allow(clippy::cast_possible_truncation)]
    let trunk = float as i128;
    int.cmp(&trunk)
        .then_with(|| 0.0.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whole_numbers_and_floats_have_one_order() {
        let ordered = [
            json!(-1e300),
            json!(i64::MIN),
            json!(-1.5),
            json!(-1),
            json!(-0.5),
            json!(0),
            json!(0.5),
            json!(1),
            json!(9_007_199_254_740_992_i64),
            json!(9_007_199_254_740_993_i64),
            json!(u64::MAX),
            json!(1e300),
        ];
        for (at, a) in ordered.iter().enumerate() {
            for (other, b) in ordered.iter().enumerate() {
                let (a, b) = (a.as_number().unwrap(), b.as_number().unwrap());
                assert_eq!(compare(a, b), at.cmp(&other), "{a} {b}");
            }
        }
        assert_eq!(
            compare(json!(1).as_number().unwrap(), json!(1.0).as_number().unwrap()),
            Ordering::Equal
        );
    }
}
