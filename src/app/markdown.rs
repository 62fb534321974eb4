//! Markdown as far as both the screen and the command line must know it: which extensions are read,
//! where the code blocks of an answer stand.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A code block of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBlock {
    /// The language named behind the fence; empty where none is.
    pub language: String,
    /// The code without its fence.
    pub code: String,
    /// The byte range in the answer, fence included.
    pub range: Range<usize>,
}

/// Returns the extensions of Markdown that are read, here and where it is drawn.
pub fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

/// Returns the code blocks of a text, fenced or indented, in order.
pub fn code_blocks(text: &str) -> Vec<CodeBlock> {
    let mut blocks = Vec::new();
    let mut open: Option<CodeBlock> = None;
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info
                        .split_once([' ', ',', '{'])
                        .map_or(&*info, |(language, _)| language)
                        .to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                open = Some(CodeBlock {
                    language,
                    code: String::new(),
                    range,
                });
            }
            Event::Text(piece) => {
                if let Some(block) = &mut open {
                    block.code.push_str(&piece);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

/// Escapes lines such as `[1]: src/a.rs`, which would be taken for the definition of a link and
/// vanish: models write lists of sources so.
pub fn keep_definitions(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut fence = false;
    for line in text.split_inclusive('\n') {
        let (indent, body) = line.split_at(line.len() - line.trim_start().len());
        if body.starts_with("```") || body.starts_with("~~~") {
            fence = !fence;
        }
        if !fence && body.starts_with('[') && body.contains("]:") {
            out.push_str(indent);
            out.push('\\');
            out.push_str(body);
        } else {
            out.push_str(line);
        }
    }
    out
}

#[cfg(test)]
#[expect(clippy::string_slice, reason = "a test may stop where it stands")]
mod tests {
    use super::*;

    #[test]
    fn code_blocks_come_in_order_with_their_language() {
        let text = "a\n\n```rust\nfn a() {}\n```\n\n- b\n\n  ```\n  x\n  ```\n";
        let blocks = code_blocks(text);
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0].language, "rust");
        assert_eq!(blocks[0].code, "fn a() {}\n");
        assert_eq!(&text[blocks[0].range.clone()], "```rust\nfn a() {}\n```");
        assert_eq!(blocks[1].code, "x\n");
    }

    #[test]
    fn a_fence_that_is_still_open_counts() {
        assert_eq!(code_blocks("```\nhalf").len(), 1);
    }
}
