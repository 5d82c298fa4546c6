//! How many different values there are, in bounded room: a few as they are, of more an estimate.

/// Bits of a hash that choose a register.
const BITS: u32 = 12;
const REGISTERS: usize = 1 << BITS;
/// The greatest rank: the other 52 bits are all zero.
const HIGHEST: u8 = 53;
/// Registers as bytes: six bits each.
const PACKED: usize = REGISTERS / 4 * 3;
/// The first byte of what is written: which of the two it is, in this version.
const HASHES_FOLLOW: u8 = 1;
const REGISTERS_FOLLOW: u8 = 2;

/// The different values of some events, in three kilobytes at the most, so that those of many sets of
/// events are counted without any twice.
///
/// Up to [`Sketch::EXACT`] values are kept as hashes of 64 bits, and their number is exact. Of more it is a
/// HyperLogLog of 4,096 registers, whose number has a standard error of 1.625 %, read by the improved raw
/// estimator of Otmar Ertl (*New cardinality estimation algorithms for HyperLogLog sketches*, 2017,
/// arXiv:1702.01284, algorithm 6), which needs no table of biases and no second estimator for small numbers.
///
/// A sketch is a function of the set of values alone: in whatever order they came, however often, and
/// however they were split before they were merged.
///
/// ```
/// use event_core::aggregate::Sketch;
/// let (mut monday, mut tuesday) = (Sketch::of("\"ann\""), Sketch::of("\"bob\""));
/// tuesday.add("\"ann\"");
/// monday.merge(&tuesday);
/// assert_eq!(monday.estimate(), 2);
/// assert_eq!(Sketch::from_bytes(&monday.to_bytes()), Some(monday));
/// assert_eq!(Sketch::of("null").estimate(), 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sketch(Kept);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kept {
    /// The hashes, sorted.
    Few(Vec<u64>),
    /// The greatest rank of each register: of the hashes that begin with its number, by how many zeros
    /// follow, plus one; 0 for none.
    Many(Box<[u8; REGISTERS]>),
}

impl Default for Sketch {
    fn default() -> Self {
        Sketch::new()
    }
}

impl Sketch {
    /// So many values are counted exactly, but for one set in 10¹⁴, two of whose hashes are equal. Their
    /// hashes take as much room as the registers.
    pub const EXACT: usize = PACKED / size_of::<u64>();

    /// Of no values.
    #[must_use]
    pub const fn new() -> Self {
        Sketch(Kept::Few(Vec::new()))
    }

    /// Of one value, by its canonical JSON text; `null` is none.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut sketch = Sketch::new();
        sketch.add(text);
        sketch
    }

    /// Adds a value, by its canonical JSON text; `null` is none.
    pub fn add(&mut self, text: &str) {
        if text != "null" {
            self.add_hash(hash(text));
        }
    }

    /// Adds all values that another sketch has.
    pub fn merge(&mut self, other: &Sketch) {
        match (&mut self.0, &other.0) {
            (Kept::Many(registers), Kept::Many(more)) => {
                for (rank, more) in registers.iter_mut().zip(more.iter()) {
                    *rank = (*rank).max(*more);
                }
            }
            (Kept::Few(hashes), Kept::Many(more)) => {
                let mut registers = more.clone();
                hashes.iter().for_each(|hash| raise(&mut registers, *hash));
                self.0 = Kept::Many(registers);
            }
            (_, Kept::Few(hashes)) => hashes.iter().for_each(|hash| self.add_hash(*hash)),
        }
    }

    /// Whether a value may be among these; of up to [`Sketch::EXACT`] values it is known.
    #[must_use]
    pub fn may_have(&self, text: &str) -> bool {
        let hash = hash(text);
        match &self.0 {
            Kept::Few(hashes) => hashes.binary_search(&hash).is_ok(),
            Kept::Many(registers) => {
                let (register, rank) = place(hash);
                registers[register] >= rank
            }
        }
    }

    /// Takes a value out; false where that cannot be done, because it is no longer known which values these
    /// were and it may be one of them.
    #[must_use]
    pub fn remove(&mut self, text: &str) -> bool {
        let hash = hash(text);
        match &mut self.0 {
            Kept::Few(hashes) => {
                hashes.retain(|known| *known != hash);
                true
            }
            Kept::Many(_) => !self.may_have(text),
        }
    }

    /// How many different values these are.
    #[must_use]
    pub fn estimate(&self) -> u64 {
        match &self.0 {
            Kept::Few(hashes) => hashes.len() as u64,
            // It is known that there are more than were kept one by one.
            Kept::Many(registers) => estimate(registers).max(Sketch::EXACT as u64 + 1),
        }
    }

    /// As bytes: equal sketches have equal ones.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Kept::Few(hashes) => {
                let bytes = hashes.iter().flat_map(|hash| hash.to_be_bytes());
                [HASHES_FOLLOW].into_iter().chain(bytes).collect()
            }
            Kept::Many(registers) => {
                let packed = registers.chunks_exact(4).flat_map(|four| {
                    let bits = four.iter().fold(0_u32, |bits, rank| bits << 6 | u32::from(*rank));
                    let [_, first, second, third] = bits.to_be_bytes();
                    [first, second, third]
                });
                [REGISTERS_FOLLOW].into_iter().chain(packed).collect()
            }
        }
    }

    /// The sketch that was written as these bytes; `None` if none was.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        match *first {
            HASHES_FOLLOW => {
                let (hashes, []) = rest.as_chunks::<8>() else {
                    return None;
                };
                let hashes: Vec<u64> = hashes.iter().map(|bytes| u64::from_be_bytes(*bytes)).collect();
                let kept = hashes.len() <= Sketch::EXACT && hashes.is_sorted_by(|a, b| a < b);
                kept.then_some(Sketch(Kept::Few(hashes)))
            }
            REGISTERS_FOLLOW if rest.len() == PACKED => {
                let mut registers = Box::new([0; REGISTERS]);
                for (four, packed) in registers.chunks_exact_mut(4).zip(rest.chunks_exact(3)) {
                    let bits = packed.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
                    for (rank, shift) in four.iter_mut().zip([18, 12, 6, 0]) {
                        *rank = (bits >> shift & 0x3f) as u8;
                    }
                }
                let kept = registers.iter().all(|rank| *rank <= HIGHEST) && registers.iter().any(|rank| *rank > 0);
                kept.then_some(Sketch(Kept::Many(registers)))
            }
            _ => None,
        }
    }

    fn add_hash(&mut self, hash: u64) {
        match &mut self.0 {
            Kept::Many(registers) => raise(registers, hash),
            Kept::Few(hashes) => {
                let Err(at) = hashes.binary_search(&hash) else { return };
                if hashes.len() < Sketch::EXACT {
                    hashes.insert(at, hash);
                    return;
                }
                let mut registers = Box::new([0; REGISTERS]);
                hashes.iter().for_each(|hash| raise(&mut registers, *hash));
                raise(&mut registers, hash);
                self.0 = Kept::Many(registers);
            }
        }
    }
}

/// The first eight bytes of BLAKE3.
fn hash(text: &str) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
    u64::from_be_bytes(bytes)
}

/// The register of a hash, and its rank there.
fn place(hash: u64) -> (usize, u8) {
    // A bit behind those of the rank ends the zeros.
    let rank = (hash << BITS | 1 << (BITS - 1)).leading_zeros() + 1;
    ((hash >> (u64::BITS - BITS)) as usize, rank as u8)
}

fn raise(registers: &mut [u8; REGISTERS], hash: u64) {
    let (register, rank) = place(hash);
    registers[register] = registers[register].max(rank);
}

/// Ertl's improved raw estimator. It adds, multiplies and takes roots only, which every machine rounds alike.
fn estimate(registers: &[u8; REGISTERS]) -> u64 {
    /// 1 / (2 ln 2)
    const ALPHA: f64 = 0.721_347_520_444_481_7;
    const M: f64 = REGISTERS as f64;
    let mut of_rank = [0_u32; HIGHEST as usize + 1];
    registers.iter().for_each(|rank| of_rank[usize::from(*rank)] += 1);
    let share = |rank: usize| f64::from(of_rank[rank]) / M;
    let (highest, between) = (usize::from(HIGHEST), 1..usize::from(HIGHEST));
    let start = M * tau(1.0 - share(highest));
    let sum = between
        .rev()
        .fold(start, |sum, rank| (sum + f64::from(of_rank[rank])) * 0.5);
    // Beyond the greatest integer it is that.
    (ALPHA * M * M / (sum + M * sigma(share(0)))).round() as u64
}

/// x + Σ x^(2^k) · 2^(k−1), for the registers that are empty.
fn sigma(share: f64) -> f64 {
    if share >= 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut weight, mut sum) = (share, 1.0, share);
    loop {
        power *= power;
        let next = sum + power * weight;
        if next <= sum {
            return sum;
        }
        (sum, weight) = (next, weight * 2.0);
    }
}

/// (1 − x − Σ (1 − x^(2^−k))² · 2^−k) / 3, for the registers that are full.
fn tau(share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (share, 1.0, 1.0 - share);
    loop {
        root = root.sqrt();
        weight *= 0.5;
        let next = sum - (1.0 - root) * (1.0 - root) * weight;
        if next >= sum {
            return sum / 3.0;
        }
        sum = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Of hashes themselves: those of values are as good as random.
    fn of(hashes: impl IntoIterator<Item = u64>) -> Sketch {
        let mut sketch = Sketch::new();
        hashes.into_iter().for_each(|hash| sketch.add_hash(hash));
        sketch
    }

    fn mixed(number: u64) -> u64 {
        // splitmix64, whose steps can all be undone: different numbers have different hashes.
        let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ number >> 31
    }

    /// Some numbers out of a range: two such sets overlap.
    fn numbers() -> impl Strategy<Value = Vec<u64>> {
        prop_oneof![0..30_usize, 350..420_usize, 0..3_000_usize]
            .prop_flat_map(|count| proptest::collection::vec((0..4_000_u64).prop_map(mixed), count))
    }

    #[test]
    fn the_rank_of_a_hash_is_where_its_first_one_stands() {
        let top = u64::BITS - BITS;
        assert_eq!(place(0), (0, HIGHEST));
        assert_eq!(place(u64::MAX), (REGISTERS - 1, 1));
        for rank in 1..HIGHEST {
            assert_eq!(place(5 << top | 1 << (top - u32::from(rank))), (5, rank));
        }
    }

    #[test]
    fn a_value_that_was_added_may_be_there() {
        let text = |number: usize| format!("value {number}");
        for count in [1, Sketch::EXACT, Sketch::EXACT + 1] {
            let mut sketch = Sketch::new();
            (0..count).for_each(|number| sketch.add(&text(number)));
            assert!((0..count).all(|number| sketch.may_have(&text(number))));
            // Of many it is said of others, too, but of few of them.
            let others = (count..count + 1_000)
                .filter(|number| sketch.may_have(&text(*number)))
                .count();
            assert!(
                others <= if count > Sketch::EXACT { 500 } else { 0 },
                "{count}: {others}"
            );
            // What is not there is taken out of anything, and what may be there only of few.
            assert_eq!(sketch.clone().remove(&text(0)), count <= Sketch::EXACT);
            let absent = (count..).map(text).find(|text| !sketch.may_have(text)).unwrap();
            assert!(sketch.clone().remove(&absent));
        }
    }

    #[test]
    fn what_empty_and_full_registers_stand_for() {
        // The sums of the series, to forty digits, rounded.
        for (share, empty, full) in [
            (0.25, 0.32037353701889515, 0.19996474793204405),
            (0.5, 0.8907470740377903, 0.1499294958640881),
            (0.75, 2.4275524879308095, 0.07988094143733783),
        ] {
            assert!((sigma(share) - empty).abs() < 1e-14, "{}", sigma(share));
            assert!((tau(share) - full).abs() < 1e-14, "{}", tau(share));
        }
        assert_eq!(
            (tau(0.0), tau(1.0), sigma(0.0), sigma(1.0)),
            (0.0, 0.0, 0.0, f64::INFINITY)
        );
    }

    #[test]
    fn few_are_exact_and_more_are_not() {
        let mut sketch = Sketch::new();
        for number in 0..Sketch::EXACT as u64 {
            assert_eq!(sketch.estimate(), number);
            sketch.add(&number.to_string());
            sketch.add(&number.to_string());
        }
        assert_eq!((Sketch::EXACT, sketch.estimate()), (384, 384));
        assert_eq!(sketch.to_bytes().len(), 1 + 384 * 8);
        sketch.add("\"one more\"");
        assert_eq!(sketch.to_bytes().len(), 1 + 3_072);
        assert!((385..=400).contains(&sketch.estimate()), "{}", sketch.estimate());
    }

    #[test]
    fn these_values_are_told_by_this_number_for_ever() {
        // Sketches are stored: another hash or estimator would break those that are.
        let mut sketch = Sketch::of("\"ann\"");
        let first = hex(&sketch.to_bytes());
        (0..100_000).for_each(|number| sketch.add(&number.to_string()));
        let digest = hex(&blake3::hash(&sketch.to_bytes()).as_bytes()[..8]);
        let told = (first.as_str(), sketch.estimate(), digest.as_str());
        assert_eq!(told, ("01ed7e2942d6401d40", 100_264, "02cc2e5d0a790ac8"));
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_error_is_what_is_stated() {
        // A hundred sets of each size: the error of each, their spread, and their mean.
        for size in [500, 1_000, 5_000, 20_000, 200_000] {
            let errors: Vec<f64> = (0..100)
                .map(|set| {
                    let sketch = of((0..size).map(|number| mixed(set << 32 | number)));
                    sketch.estimate() as f64 / size as f64 - 1.0
                })
                .collect();
            let mean = errors.iter().sum::<f64>() / 100.0;
            let spread = (errors.iter().map(|error| error * error).sum::<f64>() / 100.0).sqrt();
            let worst = errors.iter().fold(0.0_f64, |worst, error| worst.max(error.abs()));
            let told = format!("{size}: mean {mean}, spread {spread}, worst {worst}");
            assert!(
                worst <= 4.0 * 0.016_25 && spread <= 1.25 * 0.016_25 && mean.abs() <= 0.005,
                "{told}"
            );
        }
    }

    #[test]
    fn a_value_is_taken_out_while_it_is_known() {
        let mut sketch = of((0..384).map(mixed));
        sketch = {
            assert!(sketch.remove("\"ann\""));
            sketch
        };
        assert_eq!(sketch.estimate(), 384);
        let mut few = Sketch::of("\"ann\"");
        few.add("1");
        assert!(few.remove("\"ann\""));
        assert_eq!(few, Sketch::of("1"));
        sketch.add("\"ann\"");
        let before = sketch.clone();
        assert!(!sketch.remove("\"ann\""));
        assert_eq!(sketch, before);
    }

    #[test]
    fn what_is_no_sketch_of_ours() {
        let (few, many) = (of((0..3).map(mixed)).to_bytes(), of((0..1_000).map(mixed)).to_bytes());
        let mut twice = few.clone();
        twice.copy_within(1..9, 9);
        let mut beyond = many.clone();
        beyond[1] = 0xff;
        let mut later = few.clone();
        later[0] = 3;
        let (empty, long) = (
            [2; 1].into_iter().chain([0; PACKED]).collect(),
            [&many[..], &[0]].concat(),
        );
        let too_many: Vec<u8> = [1].into_iter().chain((0..385_u64).flat_map(u64::to_be_bytes)).collect();
        for bytes in [
            vec![],
            few[..few.len() - 1].to_vec(),
            twice,
            beyond,
            later,
            empty,
            long,
            too_many,
        ] {
            assert_eq!(Sketch::from_bytes(&bytes), None, "{:?}", &bytes[..bytes.len().min(20)]);
        }
        let full = [2]
            .into_iter()
            .chain([0b1101_0111, 0b0101_1101, 0b0111_0101].repeat(1_024));
        let full = Sketch::from_bytes(&full.collect::<Vec<u8>>()).unwrap();
        assert_eq!(full.estimate(), u64::MAX);
    }

    proptest! {
        #[test]
        fn a_sketch_is_of_a_set(mut one in numbers(), other in numbers(), third in numbers()) {
            let (a, b, c) = (of(one.clone()), of(other.clone()), of(third));
            let merged = |one: &Sketch, other: &Sketch| {
                let mut sketch = one.clone();
                sketch.merge(other);
                sketch
            };
            let whole = merged(&a, &b);
            prop_assert_eq!(&whole, &merged(&b, &a));
            prop_assert_eq!(merged(&whole, &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(&merged(&whole, &a), &whole);
            one.extend(other);
            one.reverse();
            prop_assert_eq!(&of(one.clone()), &whole);
            let read = Sketch::from_bytes(&whole.to_bytes());
            prop_assert_eq!(read.as_ref(), Some(&whole));
            one.sort_unstable();
            one.dedup();
            let (number, told) = (one.len() as f64, whole.estimate() as f64);
            prop_assert!(one.len() > Sketch::EXACT || told == number);
            prop_assert!((told - number).abs() <= 5.0 * 0.016_25 * number, "{} for {}", told, number);
        }

        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..40), registers in any::<u8>()) {
            for bytes in [bytes.clone(), [&[1], &bytes[..]].concat(), [&[2], &[registers; PACKED][..]].concat()] {
                if let Some(sketch) = Sketch::from_bytes(&bytes) {
                    prop_assert_eq!(&sketch.to_bytes(), &bytes);
                    let _ = sketch.estimate();
                }
            }
        }
    }
}
