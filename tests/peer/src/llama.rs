//! llama.cpp: loading, reading, writing, with the settings that matter to a comparison.

use std::ffi::{CStr, CString, c_char, c_void};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::{KvCacheType, LlamaContextParams};
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_sys_2 as sys;
use serde_json::{Value, json};

use crate::Result;
use crate::load::{Ticks, ticks_of_this};
use crate::logits::argmax;
use crate::memory::Held;

/// How a context computes. The default is llama.cpp's own.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Threads to compute with.
    pub threads: i32,
    /// Tokens computed at once.
    pub ubatch: u32,
    /// Keys and values as float32 and attention in its plain form, the most exact way;
    /// otherwise float16 and flash attention where llama.cpp chooses it.
    pub exact: bool,
    /// The weights are mapped from the file, and what suits is packed anew beside it.
    pub mapped: bool,
}

/// A model in memory, with what it runs on.
pub struct Peer {
    backend: LlamaBackend,
    model: LlamaModel,
}

/// Passes on errors alone: what llama.cpp says of each tensor is no figure.
extern "C" fn errors_only(level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    if level == sys::GGML_LOG_LEVEL_ERROR && !text.is_null() {
        // SAFETY: llama.cpp hands over a text that ends with 0 and lives during the call.
        eprint!("{}", unsafe { CStr::from_ptr(text) }.to_string_lossy());
    }
}

impl Peer {
    /// Loads `file`.
    ///
    /// # Errors
    /// When llama.cpp does not take the file; its own words are on standard error.
    pub fn load(file: &Path, settings: Settings) -> Result<Self> {
        if !file.exists() {
            return Err(format!("{} does not exist", file.display()).into());
        }
        // SAFETY: the function given is static and needs nothing of its last argument.
        unsafe { sys::llama_log_set(Some(errors_only), std::ptr::null_mut()) };
        let backend = LlamaBackend::init()?;
        let params = LlamaModelParams::default().with_use_mmap(settings.mapped);
        let model = LlamaModel::load_from_file(&backend, file, &params)?;
        Ok(Self { backend, model })
    }

    /// Entries of the vocabulary.
    pub fn vocabulary(&self) -> usize {
        self.model.n_vocab().max(1) as usize
    }

    /// A context of `tokens`, of which each step yields logits of up to `outputs`.
    fn context(&self, tokens: usize, batch: u32, settings: Settings) -> Result<LlamaContext<'_>> {
        let mut params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(tokens as u32))
            .with_n_batch(batch)
            .with_n_ubatch(settings.ubatch.min(batch))
            .with_n_threads(settings.threads)
            .with_n_threads_batch(settings.threads);
        if settings.exact {
            params = params
                .with_type_k(KvCacheType::F32)
                .with_type_v(KvCacheType::F32)
                .with_flash_attention_policy(sys::LLAMA_FLASH_ATTN_TYPE_DISABLED);
        }
        Ok(self.model.new_context(&self.backend, params)?)
    }

    /// Speed and memory; `begun` is when the program started.
    ///
    /// Reads `prompt` tokens, then on to `depth` of them if that is more, then `written` one
    /// by one, each as if it had been chosen: the same tokens and order as homebody's bench.
    ///
    /// # Errors
    /// When llama.cpp refuses a step.
    pub fn bench(
        &self,
        begun: Instant,
        [prompt, written, depth]: [usize; 3],
        settings: Settings,
    ) -> Result<Value> {
        let depth = depth.max(prompt);
        let loaded = Held::own();
        let mut context = self.context(depth + written + 16, 2048, settings)?;
        let load_s = begun.elapsed().as_secs_f64();
        let vocabulary = self.vocabulary() as u64;
        let token = |i: usize| {
            let id = (i as u64).wrapping_mul(7919).wrapping_add(13) % vocabulary;
            LlamaToken::new(id as i32)
        };
        let tokens: Vec<LlamaToken> = (0..depth + written).map(token).collect();
        let mut batch = LlamaBatch::new(2048, 1);
        read(&mut context, &mut batch, &tokens[..1], 0, Outputs::Last)?;
        let first_token_s = begun.elapsed().as_secs_f64();
        context.clear_kv_cache();

        let (ticks, own) = (Ticks::now(), ticks_of_this());
        let start = Instant::now();
        read(
            &mut context,
            &mut batch,
            &tokens[..prompt],
            0,
            Outputs::Last,
        )?;
        let prefill = start.elapsed().as_secs_f64();
        let rest = &tokens[prompt..depth];
        read(&mut context, &mut batch, rest, prompt, Outputs::Last)?;
        let start = Instant::now();
        for at in depth..depth + written {
            read(
                &mut context,
                &mut batch,
                &tokens[at..=at],
                at,
                Outputs::Last,
            )?;
        }
        let decode = start.elapsed().as_secs_f64();
        let elsewhere = Ticks::now().elsewhere(ticks, ticks_of_this() - own);
        let rate = |n: usize, seconds: f64| {
            if n == 0 {
                0.0
            } else {
                n as f64 / seconds.max(1e-9)
            }
        };
        Ok(json!({
            "system": system(),
            "threads": settings.threads,
            "exact": settings.exact,
            "mapped": settings.mapped,
            "parameters": self.model.n_params(),
            "prompt_tokens": prompt,
            "depth_tokens": depth,
            "gen_tokens": written,
            "load_s": load_s,
            "first_token_s": first_token_s,
            "prefill_tps": rate(prompt, prefill),
            "decode_tps": rate(written, decode),
            "busy_elsewhere": elsewhere,
            "memory_loaded": loaded.json(),
            "memory": Held::own().json(),
        }))
    }

    /// The logits of all `tokens` on a fresh context, a row of the vocabulary each, computed
    /// `step` tokens at a time.
    ///
    /// # Errors
    /// When llama.cpp refuses a step.
    pub fn logits(&self, tokens: &[i32], step: usize, settings: Settings) -> Result<Vec<f32>> {
        let step = step.clamp(1, 512);
        let mut context = self.context(tokens.len() + 16, step as u32, settings)?;
        let mut batch = LlamaBatch::new(step, 1);
        let mut rows = Vec::with_capacity(tokens.len() * self.vocabulary());
        let vocabulary = self.vocabulary() as i32;
        if let Some(id) = tokens.iter().find(|id| !(0..vocabulary).contains(*id)) {
            return Err(format!("token {id} is not in the vocabulary of {vocabulary}").into());
        }
        let tokens: Vec<LlamaToken> = tokens.iter().map(|&id| LlamaToken::new(id)).collect();
        for (i, piece) in tokens.chunks(step).enumerate() {
            read(&mut context, &mut batch, piece, i * step, Outputs::All)?;
            for row in 0..piece.len() {
                rows.extend_from_slice(context.get_logits_ith(row as i32));
            }
        }
        Ok(rows)
    }

    /// Greedy text: the ids of `prompt` (special tokens parsed, none added), then up to `most`
    /// more, the end token included.
    ///
    /// # Errors
    /// When the prompt has no token, or llama.cpp refuses a step.
    pub fn generate(&self, prompt: &str, most: usize, settings: Settings) -> Result<Value> {
        let vocab = self.model.vocab();
        let tokens = vocab.tokenize(prompt.as_bytes(), false, true);
        if tokens.is_empty() {
            return Err("the prompt has no token".into());
        }
        let mut context = self.context(tokens.len() + most + 16, 512, settings)?;
        let mut batch = LlamaBatch::new(512, 1);
        read(&mut context, &mut batch, &tokens, 0, Outputs::Last)?;
        let (mut ids, mut text) = (Vec::new(), Vec::new());
        while ids.len() < most {
            let best = argmax(context.get_logits_ith(batch.n_tokens() - 1));
            let token = LlamaToken::new(best as i32);
            ids.push(best);
            if vocab.is_eog(token) {
                break;
            }
            vocab.token_to_piece_into(token, &mut text, true, None);
            let at = tokens.len() + ids.len() - 1;
            read(&mut context, &mut batch, &[token], at, Outputs::Last)?;
        }
        Ok(json!({
            "prompt_ids": tokens.iter().map(|t| t.0).collect::<Vec<_>>(),
            "ids": ids,
            "text": String::from_utf8_lossy(&text),
        }))
    }
}

/// Which tokens of a piece get logits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outputs {
    All,
    Last,
}

/// Reads `tokens` into the context from position `at` on and waits until it is done.
fn read(
    context: &mut LlamaContext<'_>,
    batch: &mut LlamaBatch<'_>,
    tokens: &[LlamaToken],
    at: usize,
    outputs: Outputs,
) -> Result<()> {
    let most = context.n_batch() as usize;
    let all = tokens.len();
    for (p, piece) in tokens.chunks(most).enumerate() {
        batch.clear();
        for (i, token) in piece.iter().enumerate() {
            let i = p * most + i;
            let wanted = outputs == Outputs::All || i + 1 == all;
            batch.add(*token, (at + i) as i32, &[0], wanted)?;
        }
        context.decode(batch)?;
    }
    // Decoding only starts the work where a backend computes on its own.
    context.synchronize();
    Ok(())
}

/// llama.cpp's line on what it was built for.
pub fn system() -> String {
    // SAFETY: it takes nothing and answers with a text of its own that ends with 0.
    let text = unsafe { sys::llama_print_system_info() };
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the same text, which lives as long as the program.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    text.trim().to_owned()
}

/// Writes a copy of a model with all weights as float32: what the quantized weights mean
/// exactly, so that running it has no rounding but float's.
///
/// # Errors
/// When llama.cpp cannot read the one or write the other.
pub fn to_float(from: &Path, to: &Path, threads: i32) -> Result<()> {
    let text = |path: &Path| -> Result<CString> {
        Ok(CString::new(path.to_str().ok_or("the path is no UTF-8")?)?)
    };
    let (source, target) = (text(from)?, text(to)?);
    // SAFETY: the log function is static, both texts outlive the call that takes them, and
    // the parameters are llama.cpp's own with plain values changed.
    let failed = unsafe {
        sys::llama_log_set(Some(errors_only), std::ptr::null_mut());
        sys::llama_backend_init();
        let mut params = sys::llama_model_quantize_default_params();
        params.ftype = sys::LLAMA_FTYPE_ALL_F32;
        params.allow_requantize = true;
        params.nthread = threads;
        sys::llama_model_quantize(source.as_ptr(), target.as_ptr(), &raw const params)
    };
    if failed == 0 {
        Ok(())
    } else {
        Err(format!("{} was not converted", from.display()).into())
    }
}
