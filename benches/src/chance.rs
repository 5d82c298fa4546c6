//! Chance that is no chance: the same numbers in every run (Vigna 2015, `splitmix64`).

/// Numbers, one after another.
#[derive(Clone, Debug)]
pub struct Chance(pub u64);

impl Chance {
    /// The next number: any of all that there are.
    #[allow(clippy::should_implement_trait, reason = "they do not end")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number below this one.
    #[allow(clippy::cast_possible_truncation, reason = "it is below a number of 64 bits")]
    pub fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }
}

/// Some of many, of whom the one of rank n has a share of 1/n.
#[derive(Clone, Debug)]
pub struct Ranks {
    ends: Vec<u64>,
}

impl Ranks {
    /// So many.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let mut total = 0;
        let end = |rank| {
            total += 1_000_000_000 / rank;
            total
        };
        Ranks {
            ends: (1..=count as u64).map(end).collect(),
        }
    }

    /// The place of one of them, the first of which is 0.
    pub fn pick(&self, chance: &mut Chance) -> usize {
        let place = chance.below(self.ends.last().copied().unwrap_or_default());
        self.ends.partition_point(|end| *end <= place)
    }
}
