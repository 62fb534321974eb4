//! Forms of conversations by family, for files that bring no template of their own.

/// A family's form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    /// The name of the family.
    pub name: &'static str,
    /// Control tokens that the vocabulary must have.
    needs: &'static [&'static str],
    /// The form, as a template.
    pub template: &'static str,
}

/// The families, those with the more telling tokens first.
const FAMILIES: [Family; 6] = [
    Family {
        name: "llama3",
        needs: &["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
        template: "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
    },
    Family {
        name: "chatml",
        needs: &["<|im_start|>", "<|im_end|>"],
        template: "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    },
    Family {
        name: "gemma",
        needs: &["<start_of_turn>", "<end_of_turn>"],
        template: "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
    },
    Family {
        name: "mistral",
        needs: &["[INST]", "[/INST]"],
        template: "{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]{% elif m.role == 'assistant' %}{{ m.content }}{{ eos_token }}{% else %}{{ raise_exception('no system') }}{% endif %}{% endfor %}",
    },
    Family {
        name: "phi",
        needs: &["<|user|>", "<|assistant|>", "<|end|>"],
        template: "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
    },
    Family {
        name: "glm",
        needs: &["[gMASK]", "<sop>", "<|user|>", "<|assistant|>"],
        template: "[gMASK]<sop>{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
    },
];

/// Finds the first family all of whose control tokens a vocabulary has.
pub(super) fn family_of(has: impl Fn(&str) -> bool) -> Option<Family> {
    FAMILIES
        .into_iter()
        .find(|family| family.needs.iter().all(|text| has(text)))
}
