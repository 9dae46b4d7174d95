//! Tests of fractions.

use proptest::prelude::*;

use super::*;

#[test]
fn texts_that_are_fractions() {
    let read = |text: &str| match text.parse::<Rational>() {
        Ok(rational) => format!("{text} = {rational}"),
        Err(error) => error.to_string(),
    };
    let lines = [
        "30000/1001",
        "16:9",
        "24000,1001",
        "25",
        "29.97",
        "23.976",
        "-0.5",
        "0",
        " 2/4 ",
        ".5",
        "3.14159265358979",
        "2147483647",
        "2147483648",
        "1/0",
        "",
        ".",
        "abc",
        "1/2/3",
        "1e3",
        "--1",
    ]
    .map(read);
    insta::assert_snapshot!(lines.join("\n"), @"
    30000/1001 = 30000/1001
    16:9 = 16/9
    24000,1001 = 24000/1001
    25 = 25/1
    29.97 = 2997/100
    23.976 = 2997/125
    -0.5 = -1/2
    0 = 0/1
     2/4  = 2/4
    .5 = 1/2
    3.14159265358979 = 1434877259/456735617
    2147483647 = 2147483647/1
    '2147483648' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97
    '1/0' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97
    '' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97
    '.' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97
    'abc' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97
    '1/2/3' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97
    '1e3' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97
    '--1' is no fraction: write 30000/1001, 16:9, 30000,1001, 25 or 29.97
    ");
}

#[test]
fn reduction_moves_the_sign_up() {
    let reduce = |num, den| Rational::new(num, den).reduced().to_string();
    let results = [
        reduce(60, 2),
        reduce(-2, -4),
        reduce(3, -9),
        reduce(0, -7),
        reduce(5, 0),
        reduce(i32::MIN, -1),
    ];
    insta::assert_snapshot!(results.join(" "), @"30/1 1/2 -1/3 0/1 5/0 -2147483648/-1");
}

#[test]
fn comparison_is_by_value() {
    let compare =
        |a: (i32, i32), b: (i32, i32)| Rational::new(a.0, a.1).compare(Rational::new(b.0, b.1));
    assert_eq!(compare((1, 2), (2, 4)), Some(Ordering::Equal));
    assert_eq!(compare((-1, 2), (1, -3)), Some(Ordering::Less));
    assert_eq!(compare((30_000, 1001), (30, 1)), Some(Ordering::Less));
    assert_eq!(compare((1, 0), (1, 1)), None);
}

#[test]
fn approximation_needs_a_number_in_range() {
    for value in [f64::NAN, f64::INFINITY, 1e10] {
        assert_eq!(Rational::approximate(value, i32::MAX), None);
    }
    assert_eq!(Rational::approximate(0.0, 1), Some(Rational::ZERO));
    assert_eq!(
        Rational::approximate(-std::f64::consts::PI, 1000),
        Some(Rational::new(-355, 113))
    );
}

#[test]
fn serde_reads_text_and_numbers() {
    let read =
        |json: &str| serde_json::from_str::<Rational>(json).map(|rational| rational.to_string());
    assert_eq!(read("\"30000/1001\"").unwrap(), "30000/1001");
    assert_eq!(read("25").unwrap(), "25/1");
    assert_eq!(read("29.97").unwrap(), "2997/100");
    insta::assert_snapshot!(read("true").unwrap_err(), @r#"invalid type: boolean `true`, expected a fraction such as "30000/1001", 25 or 29.97 at line 1 column 4"#);
    assert_eq!(
        serde_json::to_string(&Rational::new(30, 1)).unwrap(),
        "\"30/1\""
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn text_round_trips(num: i32, den in 1..=i32::MAX) {
        let rational = Rational::new(num, den);
        prop_assert_eq!(rational.to_string().parse(), Ok(rational));
    }

    #[test]
    fn no_fraction_within_the_limit_is_nearer(value in -50.0..50.0_f64, limit in 50..200_i32) {
        let found = Rational::approximate(value, limit).unwrap();
        prop_assert!(found.num.abs() <= limit && (1..=limit).contains(&found.den));
        let distance = (found.as_f64() - value).abs();
        for den in 1..=limit {
            let num = (value * f64::from(den)).round();
            if num.abs() <= f64::from(limit) {
                prop_assert!(distance <= (num / f64::from(den) - value).abs() + 1e-12);
            }
        }
    }

    #[test]
    fn a_small_fraction_is_found_again(num in -2000..2000_i32, den in 1..2000_i32) {
        let exact = Rational::new(num, den).reduced();
        prop_assert_eq!(Rational::approximate(exact.as_f64(), 100_000), Some(exact));
    }
}
