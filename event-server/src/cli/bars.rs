//! Bars for a terminal.

use event_core::decimal::Decimal;

/// The length of the longest bar, in letters.
const LONGEST: u64 = 50;
/// A letter of so many eighths.
const EIGHTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The same table with a bar behind the last column of each row but the first, which names them. What is less
/// than nothing, or no number, has none.
pub(super) fn drawn(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let value = |row: &Vec<String>| row.last().and_then(|text| text.parse::<Decimal>().ok());
    let most = rows.iter().skip(1).filter_map(value).max();
    let drawn = rows.into_iter().enumerate().map(|(at, mut row)| {
        let bar = match (value(&row), &most) {
            (Some(value), Some(most)) if at > 0 => bar(&value, most),
            _ => String::new(),
        };
        row.push(bar);
        row
    });
    drawn.collect()
}

fn bar(value: &Decimal, most: &Decimal) -> String {
    // What is drawn need not be exact.
    let float = |number: &Decimal| number.to_string().parse::<f64>().unwrap_or(0.0);
    let share = float(value) / float(most);
    if !share.is_finite() || share <= 0.0 {
        return String::new();
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    let eighths = ((share * (8 * LONGEST) as f64).round() as u64).max(1);
    let whole = usize::try_from(eighths / 8).unwrap_or(0);
    let rest = EIGHTHS[usize::try_from(eighths % 8).unwrap_or(0)];
    let bar = EIGHTHS[8].to_string().repeat(whole) + &rest.to_string();
    bar.trim_end().to_owned()
}
