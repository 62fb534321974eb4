//! homebody: a coding assistant for the terminal that never leaves the machine.
//!
//! # The rooms
//!
//! | floor | package | room | what it is for | may import |
//! | --- | --- | --- | --- | --- |
//! | 0 | ground | `base` | failures, cancellation, paths, configuration, the seal | nothing of ours |
//! | 1 | ground | `repo` | files, git, diffs | base |
//! | 1 | ground | `grammar` | the languages of answers, and what may come next in them | base |
//! | 1 | inference | `kernels` | arithmetic on quantized weights | base |
//! | 1 | work | `registry` | the models there are; downloads; the only room with a network | base |
//! | 2 | work | `patch` | what edits may be written; edits to new texts; undo | base, grammar |
//! | 2 | search | `index` | definitions, words and embeddings, on disk | base, repo |
//! | 2 | inference | `model` | GGUF, tokenizer, template, sampling, networks | base, kernels |
//! | 3 | search | `context` | what the model is shown | base, repo, index |
//! | 3 | inference | `engine` | runs models | base, grammar, model, kernels |
//! | 4 | work | `jobs` | ask, patch, review, message | floors 0–3, except kernels and model |
//! | 5 | homebody | `app` | the screen's state | message types of jobs, index, repo, patch |
//! | 6 | homebody | `tui` | the terminal | 5, 4 and public faces of 0–3 |
//! | 6 | homebody | `cli` | the command line | as tui; the two never import each other |
//!
//! The packages lie below `src`, the rooms in their package: `src/inference/engine`. In all of
//! them `crate::base` is `base`: a package's root imports the rooms that its own may see, so
//! that the compiler guards the floors between packages, and `tests/house.rs` those within.
//! Below, a file is named by its room.
//!
//! Data flows one way: a key or a worker's report is an *event*; the state takes it and
//! answers with *commands*; workers carry them out and report. Headless commands call the
//! same `jobs::run` on the main thread: `cli/start.rs` tells which command is which function.
//!
//! # One question, from the key to the answer
//!
//! | what happens | file |
//! | --- | --- |
//! | a key is read, on a thread of its own | `tui/input.rs` |
//! | the ring hands it to the state as an event, and carries out the commands that come back | `tui/run.rs` |
//! | the key is an action by the table of keys, or goes into the composer | `app/update/keys.rs`, `app/keymap.rs` |
//! | Enter: the text becomes a turn, and a command to start a job | `app/update/send.rs`, `app/command.rs` |
//! | the thread that owns the model runs the job | `tui/workers.rs`, `tui/engine_thread.rs` |
//! | the job is prepared: history, search words, a budget of tokens | `jobs/ask.rs`, `jobs/model_calls.rs` |
//! | excerpts are chosen: candidates, ranks, ranges of lines | `context/pick.rs`, `index/search.rs`, `index/ranking/rank.rs` |
//! | excerpts are written out, and the messages with them | `context/pack.rs`, `jobs/prompt.rs` |
//! | the engine answers in steps (below) | `engine/generate.rs` |
//! | each step becomes an event of the job, and one of the state | `jobs/event.rs`, `app/update/job.rs` |
//! | the answer's block grows and is drawn at a bounded pace | `app/blocks/block.rs`, `tui/pacer.rs`, `tui/answer.rs` |
//! | its places are checked against the repository | `jobs/ask/cite.rs` |
//! | all that came is appended to the conversation's log | `app/log/write.rs`, `jobs/session.rs` |
//!
//! # One token, from the prompt to the text
//!
//! | what happens | file |
//! | --- | --- |
//! | messages become tokens by the model's own template | `engine/prompt.rs`, `model/chat/template.rs`, `model/tokenizer/encoder.rs` |
//! | what was read before is taken up again: memory, a checkpoint, the disk | `engine/cache/prefix_cache.rs`, `engine/cache/disk_cache.rs` |
//! | the rest is read in pieces | `engine/chunk_size.rs`, `model/network.rs` |
//! | embeddings, then a norm, a mixing layer and an MLP for each layer | `model/transformer.rs`, `model/linear.rs`, `model/mlp.rs` |
//! | attention over the KV cache, or the gated delta rule over its state | `model/attention.rs`, `model/kv_cache.rs`, `model/delta.rs` |
//! | arithmetic, by the instructions that this CPU has | `kernels/matmul.rs`, `kernels/online_softmax.rs`, `kernels/delta.rs` |
//! | drafts out of the text itself are verified together | `engine/decode.rs`, `engine/speculative.rs` |
//! | the grammar says which tokens may come | `engine/constraint/constrained.rs`, `engine/constraint/token_mask.rs`, `grammar/automaton.rs` |
//! | one is drawn | `model/sample.rs` |
//! | bytes become characters; thinking and answer are told apart; a loop ends | `engine/answer.rs`, `engine/thinking_budget.rs`, `engine/loop_detector.rs` |
//!
//! # One patch, from the request to the disk
//!
//! | what happens | file |
//! | --- | --- |
//! | the files, definitions and lines that may be changed | `jobs/patch/edits.rs` |
//! | the language of edits over them; what it writes are edits with path and lines | `patch/edit_language.rs`, `grammar/file_lines.rs` |
//! | edits become new texts, and hunks to decide on | `patch/apply.rs`, `patch/hunks.rs` |
//! | what they would leave worse goes back to the model once | `jobs/patch.rs`, `jobs/patch/regressions.rs` |
//! | hunks are taken or left one by one | `app/blocks/patch_block.rs`, `app/update/patching.rs` |
//! | the user's check runs on a copy, in a cage | `jobs/check.rs`, `base/seal/cage.rs` |
//! | a record is written, then each file beside its old self, then renamed | `patch/write.rs`, `patch/record.rs` |
//! | what was applied is staged or committed, and nothing else | `app/update/committing.rs`, `jobs/commit.rs`, `repo/commit.rs` |
//!
//! # Words
//!
//! | word | here |
//! | --- | --- |
//! | activations | rows of floats, one for each token: `tokens × width` |
//! | checkpoint | the state of a network behind some tokens, in memory or in a file |
//! | edit | one change that a model wrote: lines of a file, a new file, a deletion, a rename |
//! | excerpt | lines of a file as the model is shown them |
//! | finding | what a review says of a line |
//! | form, part | what a language of answers is made of (`grammar`) |
//! | hunk | neighbouring lines of a change, accepted or rejected together |
//! | KV cache | keys and values of the tokens read, by layer |
//! | prefix cache | what was read before and need not be read again |
//! | region | free text in a language: the same tokens may come all through it |
//! | seal, cage | what homebody itself may not do; what a check may not do |
//! | speculative decoding | tokens guessed from the text itself, verified together |
//! | token mask | the tokens of a vocabulary that a grammar lets come next |

#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        reason = "a test tells one story from top to bottom"
    )
)]

#[cfg(feature = "lab")]
use homebody_ground::grammar;
use homebody_ground::{base, repo};
use homebody_inference::engine;
use homebody_search::{context, index};
use homebody_work::{jobs, patch, registry};

pub mod app;
pub mod cli;
pub mod tui;
