//! Tests of media time.

use proptest::prelude::*;

use super::*;

fn base(num: i32, den: i32) -> TimeBase {
    TimeBase::new(num, den).unwrap()
}

#[test]
fn timestamps_print_as_seconds() {
    let lines = [0, 1_040_000, -1, -2_500_000, i64::MIN]
        .map(|micros| Timestamp::from_micros(micros).to_string());
    insta::assert_snapshot!(lines.join("\n"), @"
    0.000000s
    1.040000s
    -0.000001s
    -2.500000s
    before the stream
    ");
}

#[test]
fn arithmetic_on_times_is_checked() {
    assert_eq!(Timestamp::MAX.checked_add(1), None);
    assert_eq!(Timestamp::MIN.checked_sub(1), None);
    assert_eq!(Timestamp::MAX.checked_since(Timestamp::MIN), None);
    let later = Timestamp::ZERO.checked_add(40).unwrap();
    assert_eq!(later.checked_since(Timestamp::ZERO), Some(40));
}

#[test]
fn ticks_become_times_and_back() {
    let ntsc = base(1001, 30_000);
    let time = Timestamp::from_ticks(1, ntsc).unwrap();
    assert_eq!((time.micros(), time.to_ticks(ntsc)), (33_367, Some(1)));
    assert_eq!(Timestamp::from_ticks(i64::MAX, base(1, 1)), None);
}

#[test]
fn a_time_base_is_positive() {
    for (num, den) in [(0, 1), (1, 0), (-1, 1), (1, -1)] {
        assert_eq!(TimeBase::new(num, den), None);
    }
    let error = serde_json::from_str::<TimeBase>("\"0/25\"").unwrap_err();
    insta::assert_snapshot!(error, @"'0/25' is no time base: numerator and denominator must be positive, as in 1/90000");
    assert_eq!(
        serde_json::from_str::<TimeBase>("\"1/25\"").unwrap(),
        base(1, 25)
    );
}

/// 3/2 and 5/2 ticks, and their negatives: what FFmpeg's `av_rescale_rnd` gives for each rounding.
#[test]
fn roundings_of_halves() {
    let (from, to) = (base(1, 2), base(1, 1));
    let table = [
        Rounding::Zero,
        Rounding::Away,
        Rounding::Down,
        Rounding::Up,
        Rounding::Nearest,
    ]
    .map(|rounding| {
        let results =
            [-5, -3, -1, 1, 3, 5].map(|ticks| from.rescale_rounded(ticks, to, rounding).unwrap());
        format!("{rounding:?} {results:?}")
    });
    insta::assert_snapshot!(table.join("\n"), @"
    Zero [-2, -1, 0, 0, 1, 2]
    Away [-3, -2, -1, 1, 2, 3]
    Down [-3, -2, -1, 0, 1, 2]
    Up [-2, -1, 0, 1, 2, 3]
    Nearest [-3, -2, -1, 1, 2, 3]
    ");
}

#[test]
fn extremes_do_not_overflow_on_the_way() {
    let (coarse, fine) = (base(i32::MAX, 1), base(1, i32::MAX));
    assert_eq!(coarse.rescale(i64::MIN, coarse), Some(i64::MIN));
    assert_eq!(coarse.rescale(i64::MAX, fine), None);
    assert_eq!(fine.rescale(i64::MAX, coarse), Some(2));
}

/// The definition FFmpeg documents, in wide arithmetic: `ticks * b / c`, rounded.
fn reference(ticks: i64, from: TimeBase, to: TimeBase, rounding: Rounding) -> Option<i64> {
    let b = i128::from(from.num()) * i128::from(to.den());
    let c = i128::from(to.num()) * i128::from(from.den());
    let magnitude = i128::from(ticks).abs() * b;
    let negative = ticks < 0;
    let up = match rounding {
        Rounding::Zero => 0,
        Rounding::Away => c - 1,
        Rounding::Nearest => c / 2,
        Rounding::Down => {
            if negative {
                c - 1
            } else {
                0
            }
        }
        Rounding::Up => {
            if negative {
                0
            } else {
                c - 1
            }
        }
    };
    let quotient = (magnitude + up) / c;
    i64::try_from(if negative { -quotient } else { quotient }).ok()
}

fn any_base() -> impl Strategy<Value = TimeBase> {
    let part = || prop_oneof![1..=3_i32, 1..100_000_i32, 1..=i32::MAX];
    (part(), part()).prop_map(|(num, den)| base(num, den))
}

fn any_ticks() -> impl Strategy<Value = i64> {
    prop_oneof![
        -1000..1000_i64,
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX)
    ]
}

fn any_rounding() -> impl Strategy<Value = Rounding> {
    prop::sample::select(vec![
        Rounding::Zero,
        Rounding::Away,
        Rounding::Down,
        Rounding::Up,
        Rounding::Nearest,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn rescaling_follows_the_definition(
        ticks in any_ticks(), from in any_base(), to in any_base(), rounding in any_rounding(),
    ) {
        prop_assert_eq!(
            from.rescale_rounded(ticks, to, rounding),
            reference(ticks, from, to, rounding)
        );
    }

    #[test]
    fn there_and_back_is_off_by_half_a_coarse_tick_at_most(
        ticks in -1_000_000_000..1_000_000_000_i64, from in any_base(), to in any_base(),
    ) {
        let there = from.rescale(ticks, to);
        prop_assume!(there.is_some_and(|there| to.rescale(there, from).is_some()));
        let back = to.rescale(there.unwrap(), from).unwrap();
        // Half a tick of `to`, in ticks of `from`, and half a tick for the way back.
        let bound = to.as_f64() / from.as_f64() / 2.0 + 0.5;
        prop_assert!((back - ticks).abs() as f64 <= bound * (1.0 + 1e-9));
    }

    #[test]
    fn rescaling_keeps_order(
        a in any_ticks(), b in any_ticks(), from in any_base(), to in any_base(), rounding in any_rounding(),
    ) {
        let rescale = |ticks| from.rescale_rounded(ticks, to, rounding);
        if let (Some(x), Some(y)) = (rescale(a.min(b)), rescale(a.max(b))) {
            prop_assert!(x <= y);
        }
    }
}
