//! The state that checkpoints, trials and cancels leave.

use super::*;
use crate::model::synthetic::{self, Quantization, Shape};

/// Checkpoints, trials and cancels leave the state that reading straight through gives.
pub(super) fn keeps_its_place(network: &mut dyn Network, tokens: &[u32]) {
    let go = Cancel::never();
    let last = |network: &mut dyn Network, tokens: &[u32]| {
        network.read(tokens, Wanted::Last, &go).expect("logits")
    };
    let same = |a: &[f32], b: &[f32], what: &str| {
        let far = a
            .iter()
            .zip(b)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(a.len() == b.len() && far < 1e-4, "{what}: {far}");
    };
    let other: Vec<u32> = tokens.iter().rev().copied().collect();
    for at in [1, 63, 64, 70] {
        network.reset();
        last(network, &tokens[..at]);
        let straight = last(network, &tokens[at..]);
        // A checkpoint, another text meanwhile, and back: the very same numbers.
        network.reset();
        last(network, &tokens[..at]);
        let checkpoint = network.checkpoint().expect("a checkpoint");
        assert_eq!(checkpoint.tokens(), at);
        network.reset();
        last(network, &other[..90]);
        let between = network.checkpoint().expect("a checkpoint");
        assert!(network.restore(&checkpoint));
        assert_eq!(network.n_past(), at);
        assert_eq!(last(network, &tokens[at..]), straight, "after {at}");
        // The other text goes on where it was, too.
        assert!(network.restore(&between));
        let went_on = last(network, &other[90..]);
        network.reset();
        last(network, &other[..90]);
        assert_eq!(last(network, &other[90..]), went_on);
        // Tokens that turn out wrong are taken back, however many of them.
        for right in 0..=5 {
            assert!(network.restore(&checkpoint));
            let mut draft = tokens[at..at + 5].to_vec();
            draft[right..]
                .iter_mut()
                .for_each(|token| *token = other[0]);
            let rows = network.verify(&draft, &go).expect("logits");
            assert_eq!(rows.len() % 5, 0);
            assert_eq!(network.n_past(), at + 5);
            assert_eq!(network.truncate(at + right), at + right);
            same(
                &last(network, &tokens[at + right..]),
                &straight,
                "after a draft",
            );
        }
        // A draft that is right is gone on from without a word.
        network.reset();
        last(network, &tokens[..at]);
        network.verify(&tokens[at..at + 5], &go).expect("logits");
        same(
            &last(network, &tokens[at + 5..]),
            &straight,
            "behind a draft",
        );
        // What is cancelled leaves everything as it was.
        network.reset();
        last(network, &tokens[..at]);
        let source = crate::base::CancelSource::new();
        let token = source.token();
        source.cancel();
        let failure = network.read(&other, Wanted::Last, &token);
        assert!(failure.expect_err("cancelled").is_interrupted());
        assert_eq!(network.n_past(), at);
        same(&last(network, &tokens[at..]), &straight, "after a cancel");
    }
    // Too many tokens are refused, and nothing is lost.
    network.reset();
    last(network, &tokens[..10]);
    let many: Vec<u32> = tokens.iter().cycle().take(600).copied().collect();
    assert!(network.read(&many, Wanted::Last, &go).is_err());
    assert!(network.read(&[u32::MAX], Wanted::Last, &go).is_err());
    assert_eq!(network.n_past(), 10);
}

#[test]
fn every_network_keeps_its_place() {
    // Of two of one architecture the smaller: this reads a text some fifty times.
    let floats = FLOATS.iter().filter(|name| **name != "qwen35-tiny-a.F32");
    for name in floats.chain(["qwen35-tiny-bq.Q4_K_M"].iter()) {
        let path = place(name);
        let reference = Reference::read(&path);
        keeps_its_place(&mut *load(&path), &reference.tokens(130));
    }
}

/// Drafts rest on it: what is verified among others is what would have been written alone.
#[test]
fn tokens_read_together_give_to_the_last_bit_what_each_alone_gives() {
    // NEON adds up in another order where it takes row by row.
    if cfg!(target_arch = "aarch64") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let go = Cancel::never();
    for (shape, quantization) in [
        ("qwen3-tiny", "Q4_K_M"),
        ("qwen3-tiny", "Q8_0"),
        ("qwen35-tiny", "Q4_K_M"),
        ("qwen35-tiny", "Q6_K"),
        ("qwen35-tiny", "IQ4_XS-pure"),
        ("gemma3-tiny", "Q4_1-pure"),
        ("llama-tiny", "Q4_0-pure"),
    ] {
        let path = folder.path().join(format!("{shape}.{quantization}"));
        synthetic::write(
            Shape::named(shape).expect("a shape"),
            Quantization::named(quantization).expect("a format"),
            None,
            &folder.path().join(format!("{shape}.{quantization}.gguf")),
            &go,
            &mut |_, _| {},
        )
        .expect("written");
        let mut network = load(&path);
        let tokens: Vec<u32> = (0..120).map(|i| (i * 37 + 11) % 200).collect();
        let mut alone = Vec::new();
        let before = |network: &mut dyn Network| {
            network.reset();
            network
                .read(&tokens[..60], Wanted::Last, &go)
                .expect("read");
        };
        before(&mut *network);
        for token in &tokens[60..] {
            let row = network.read(&[*token], Wanted::Last, &go).expect("logits");
            alone.extend(row.into_iter().map(f32::to_bits));
        }
        for count in [2, 5, 8, 17, 40] {
            before(&mut *network);
            let mut rows = Vec::new();
            for part in tokens[60..].chunks(count) {
                rows.extend(network.verify(part, &go).expect("logits"));
                let held = network.n_past();
                assert_eq!(network.truncate(held), held);
            }
            let rows: Vec<u32> = rows.into_iter().map(f32::to_bits).collect();
            assert!(rows == alone, "{shape} {quantization} {count} at once");
        }
    }
}

#[test]
fn only_attention_can_be_cut_back() {
    let mut network = load(&ours().join("qwen3-tiny.F32"));
    read(&mut *network, &[1, 2, 3, 4, 5], &[5]);
    assert!(network.can_truncate());
    assert_eq!(network.truncate(3), 3);
    let mut network = load(&ours().join("qwen35-tiny-mtp.F32"));
    read(&mut *network, &[1, 2, 3, 4, 5], &[5]);
    assert!(!network.can_truncate());
    assert_eq!(network.truncate(5), 5);
    assert_eq!(network.truncate(3), 0);
    assert_eq!(network.n_past(), 0);
}

#[test]
fn a_checkpoint_survives_a_file() {
    for name in ["qwen2-tiny.F32", "qwen35-tiny-mtp.F32"] {
        let path = ours().join(name);
        let tokens = Reference::read(&path).tokens(130);
        let mut network = load(&path);
        read(&mut *network, &tokens[..100], &[100]);
        let checkpoint = network.checkpoint().expect("a checkpoint");
        let mut bytes = Vec::new();
        checkpoint.write(&mut bytes).expect("written");
        let go = Cancel::never();
        let wanted = network
            .read(&tokens[100..], Wanted::Last, &go)
            .expect("logits");
        let mut other = load(&path);
        let size = bytes.len() as u64;
        let again =
            crate::model::checkpoint::Checkpoint::read(&mut &bytes[..], size).expect("read");
        assert!(other.restore(&again));
        let found = other
            .read(&tokens[100..], Wanted::Last, &go)
            .expect("logits");
        assert_eq!(found, wanted);
        // One of another model is refused, and so is every part of one.
        let mut stranger = load(&ours().join("llama-tiny.F32"));
        assert!(!stranger.restore(&again));
        for end in (0..bytes.len()).step_by(bytes.len() / 50) {
            assert!(crate::model::checkpoint::Checkpoint::read(&mut &bytes[..end], size).is_err());
        }
        for at in 0..40 {
            let mut broken = bytes.clone();
            broken[at] ^= 0xff;
            let _ = crate::model::checkpoint::Checkpoint::read(&mut &broken[..], size);
        }
    }
}
