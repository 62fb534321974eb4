//! The figures of the catalog against those that a file's own header gives.

use homebody_inference::engine;
use homebody_inference::model::synthetic::{Quantization, Shape, write_header};
use homebody_work::registry::Catalog;

/// Models of the catalog whose shapes are known here.
const SHAPES: [(&str, &str); 6] = [
    ("qwen3.8-27b", "qwen35-27b"),
    ("qwen3.6-27b", "qwen35-27b"),
    ("qwen3.5-9b", "qwen35-9b"),
    ("qwen3.5-4b", "qwen35-4b"),
    ("qwen3.5-2b", "qwen35-2b"),
    ("qwen3.5-0.8b", "qwen35-0.8b"),
];

/// What `models list` says of a model that is not here is what `doctor` will say of it when it is.
#[test]
fn a_models_memory_is_reckoned_as_by_its_own_header() {
    let dir = tempfile::tempdir().expect("a folder");
    let catalog = Catalog::embedded().expect("the catalog");
    let quantization = Quantization::named("Q4_K_M").expect("known");
    for (name, shape) in SHAPES {
        let model = catalog.get(name).expect("in the catalog");
        let file = dir.path().join(format!("{name}.gguf"));
        write_header(Shape::named(shape).expect("known"), quantization, &file).expect("written");
        let found = engine::inspect(&file).expect("a header");
        assert_eq!(found.architecture, model.architecture, "{name}");
        assert_eq!(
            found.state_bytes_per_token, model.state_bytes_per_token,
            "{name}"
        );
        assert_eq!(found.other_bytes, model.other_bytes, "{name}");
        assert_eq!(model.weight_bytes, model.bytes, "{name}");
    }
}
