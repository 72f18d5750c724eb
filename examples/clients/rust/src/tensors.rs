//! Safetensors files of one tensor of F32: eight bytes with the length of the header, the header, the numbers.

/// So many numbers that a seed says.
pub fn numbers(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

pub fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

pub fn file(numbers: &[f32]) -> Vec<u8> {
    let data = bytes(numbers);
    let header = format!(r#"{{"w":{{"dtype":"F32","shape":[{}],"data_offsets":[0,{}]}}}}"#, numbers.len(), data.len());
    let padded = format!("{header:width$}", width = header.len().next_multiple_of(8));
    [&(padded.len() as u64).to_le_bytes()[..], padded.as_bytes(), &data].concat()
}

/// The mean, rounded once.
pub fn mean(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(&a, &b)| ((f64::from(a) + f64::from(b)) / 2.0) as f32).collect()
}
