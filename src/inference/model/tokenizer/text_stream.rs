//! The bytes of tokens, one token after another, to text.

/// Turns a stream of tokens into whole characters: bytes of an unfinished character are held
/// back until the rest comes.
#[derive(Debug, Default)]
pub struct TextStream {
    held: Vec<u8>,
}

impl TextStream {
    /// Takes the bytes of the next token, gives the text that is complete.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        let mut out = String::new();
        loop {
            match std::str::from_utf8(&self.held) {
                Ok(text) => {
                    out.push_str(text);
                    self.held.clear();
                    return out;
                }
                Err(error) => {
                    let good = error.valid_up_to();
                    let bad = error.error_len();
                    let rest = self.held.split_off(good);
                    out.push_str(&String::from_utf8_lossy(&self.held));
                    self.held = rest;
                    match bad {
                        None => return out,
                        Some(n) => {
                            out.push('\u{fffd}');
                            self.held.drain(..n.min(self.held.len()));
                        }
                    }
                }
            }
        }
    }

    /// Gives the text still held at the end, as well as it can be shown.
    pub fn finish(&mut self) -> String {
        let text = String::from_utf8_lossy(&self.held).into_owned();
        self.held.clear();
        text
    }
}
