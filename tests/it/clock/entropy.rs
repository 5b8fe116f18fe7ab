//! Randomness.

use std::collections::HashSet;

use sexton::entropy::Entropy;

#[test]
fn hex_is_two_lower_case_digits_a_byte() {
    let text = Entropy::System.hex::<32>();
    assert_eq!(text.len(), 64);
    assert!(text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{text}");
}

#[test]
fn no_value_comes_twice() {
    let values: HashSet<[u8; 16]> = (0..2_000).map(|_| Entropy::System.bytes()).collect();
    assert_eq!(values.len(), 2_000);
}

#[test]
fn every_byte_is_drawn() {
    let drawn: HashSet<u8> = (0..200).flat_map(|_| Entropy::System.bytes::<64>()).collect();
    assert_eq!(drawn.len(), 256, "of 12,800 bytes");
}
