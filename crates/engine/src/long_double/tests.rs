//! What real servers print for the same sums.

use super::LongDouble;

fn sum(a: &str, b: &str) -> String {
    let number = |text: &str| LongDouble::parse(text.as_bytes()).unwrap();
    number(a).add(number(b)).unwrap().text()
}

#[test]
fn sums_are_those_of_real_servers() {
    for (a, b, wanted) in [
        ("0", "0.1", "0.1"),
        ("3.0", "1.1", "4.1"),
        ("10.50", "0.1", "10.6"),
        ("5.0e3", "2.0e2", "5200"),
        ("-1.5", "1.5", "0"),
        ("0", "-0.0", "0"),
        ("1", "17179869184", "17179869185"),
        ("0x1p3", "0x10", "24"),
        ("0", "1e-17", "0.00000000000000001"),
        ("0", "1e-18", "0"),
        (
            "0",
            "123456789012345678901234567890",
            "123456789012345678899921813504",
        ),
        ("1.23", "-1.23", "0"),
    ] {
        assert_eq!(sum(a, b), wanted, "{a} + {b}");
    }
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "",
        " 1",
        "1 ",
        "nan",
        "abc",
        "1x",
        "--1",
        "1e99999",
        "1e",
        "1e-",
        "1e-5000",
        "0x",
        "0x1p",
        "0x1p-16446",
    ] {
        assert!(LongDouble::parse(text.as_bytes()).is_none(), "{text}");
    }
    let infinity = LongDouble::parse(b"inf").unwrap();
    assert!(infinity.add(LongDouble::parse(b"1").unwrap()).is_none());
}
