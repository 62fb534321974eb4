//! The exponential and the activation functions made of it, in plain arithmetic without calls or
//! branches, so that the compiler does many at once.

/// `eˣ`, within 2 units in the last place; 0 below −87.3 (so also for −∞), and no more than
/// `e^88.3` above.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // x = n · ln 2 + r with n whole and |r| ≤ ½ ln 2 (Cody and Waite); ln 2 in two parts, so
    // that the difference is exact.
    let clamped = x.clamp(-87.3, 88.3);
    // Beside so large a number (1.5 · 2²³) a float has no room for a fraction, and n stands in
    // its lowest bits.
    let shifted = clamped * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    let r = (clamped - n * 0.693_359_4) + n * 2.121_944_4e-4;
    // The series to the seventh power, by Horner.
    let mut p = 1.984_127e-4;
    p = p * r + 1.388_888_9e-3;
    p = p * r + 8.333_334e-3;
    p = p * r + 4.166_666_6e-2;
    p = p * r + 1.666_666_7e-1;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    if x < -87.3 { 0.0 } else { p * power }
}

/// `1 / (1 + e⁻ˣ)`.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `x · sigmoid(x)`.
#[inline(always)]
pub fn silu(x: f32) -> f32 {
    x / (1.0 + exp(-x))
}

/// GELU in its form with a hyperbolic tangent (arXiv:1606.08415).
#[inline(always)]
pub fn gelu(x: f32) -> f32 {
    let inner = 0.797_884_6 * x * (1.0 + 0.044_715 * x * x);
    // ½ (1 + tanh y) = 1 / (1 + e⁻²ʸ).
    x / (1.0 + exp(-2.0 * inner))
}

/// `ln(1 + eˣ)`, and `x` itself where both are the same float.
pub fn softplus(x: f32) -> f32 {
    if x > 20.0 { x } else { x.exp().ln_1p() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_exponential() {
        let mut worst = 0.0_f64;
        for i in -8700..8800 {
            let x = i as f32 / 100.0;
            let wanted = f64::from(x).exp();
            worst = worst.max(((f64::from(exp(x)) - wanted) / wanted).abs());
        }
        assert!(worst < 3e-7, "{worst}");
        assert_eq!(exp(f32::NEG_INFINITY).to_bits(), 0);
        assert_eq!(exp(0.0).to_bits(), 1.0_f32.to_bits());
        assert!(exp(f32::INFINITY).is_finite());
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn gates_are_what_they_are_called() {
        for i in -400..400 {
            let x = i as f32 / 20.0;
            let sig = 1.0 / (1.0 + f64::from(-x).exp());
            let y = f64::from(x);
            let tanh = (0.797_884_560_802_865_4 * (y + 0.044_715 * y * y * y)).tanh();
            for (found, wanted) in [
                (sigmoid(x), sig),
                (silu(x), y * sig),
                (gelu(x), 0.5 * y * (1.0 + tanh)),
                (softplus(x), y.exp().ln_1p()),
            ] {
                assert!((f64::from(found) - wanted).abs() < 2e-6, "{x}: {found}");
            }
        }
        assert!((softplus(50.0) - 50.0).abs() < 1e-6);
    }
}
