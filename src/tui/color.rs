//! Colour depths of terminals, the nearest colour that one has, and how well a colour is read on
//! another.

use ratatui::style::Color;

use crate::base::OrBug;

/// The colours a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// No colours: modifiers alone.
    None,
    /// The sixteen colours of its palette.
    Ansi16,
    /// The 256 colours of xterm.
    Ansi256,
    /// All colours, of 24 bits.
    True,
}

impl Depth {
    /// Finds the depth in the environment, looked up through `var`.
    ///
    /// `NO_COLOR` (not empty) wins, then `COLORTERM`, then what `TERM` is known for.
    pub fn find(var: impl Fn(&str) -> Option<String>) -> Self {
        let term = var("TERM").unwrap_or_default();
        if var("NO_COLOR").is_some_and(|v| !v.is_empty()) || term == "dumb" {
            return Self::None;
        }
        let deep = var("COLORTERM")
            .is_some_and(|v| matches!(v.to_ascii_lowercase().as_str(), "truecolor" | "24bit"));
        // GNU screen passes COLORTERM on and garbles what it promises.
        if deep && !term.starts_with("screen") {
            return Self::True;
        }
        if term.contains("direct") || term.contains("kitty") || term.contains("ghostty") {
            return Self::True;
        }
        if var("WT_SESSION").is_some_and(|v| !v.is_empty()) {
            return Self::True;
        }
        if term.contains("256") || term.starts_with("alacritty") || term.starts_with("wezterm") {
            return Self::Ansi256;
        }
        if term.starts_with("linux") || term.starts_with("vt") || term.starts_with("ansi") {
            return Self::Ansi16;
        }
        if cfg!(windows) {
            return Self::Ansi256;
        }
        Self::Ansi16
    }
}

/// The colours of the usual palette, 0 to 15.
const PALETTE: [(u8, u8, u8, Color); 16] = [
    (0, 0, 0, Color::Black),
    (205, 0, 0, Color::Red),
    (0, 205, 0, Color::Green),
    (205, 205, 0, Color::Yellow),
    (0, 0, 238, Color::Blue),
    (205, 0, 205, Color::Magenta),
    (0, 205, 205, Color::Cyan),
    (229, 229, 229, Color::Gray),
    (127, 127, 127, Color::DarkGray),
    (255, 0, 0, Color::LightRed),
    (0, 255, 0, Color::LightGreen),
    (255, 255, 0, Color::LightYellow),
    (92, 92, 255, Color::LightBlue),
    (255, 0, 255, Color::LightMagenta),
    (0, 255, 255, Color::LightCyan),
    (255, 255, 255, Color::White),
];

/// The levels of each primary in the colour cube of xterm.
const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest colour that a terminal of that depth has.
pub fn down(color: Color, depth: Depth) -> Color {
    match (depth, color) {
        (Depth::None, _) => Color::Reset,
        (Depth::True, _) | (Depth::Ansi256, Color::Indexed(_)) => color,
        (Depth::Ansi256, Color::Rgb(r, g, b)) => Color::Indexed(nearest_256(r, g, b)),
        (Depth::Ansi16, Color::Rgb(r, g, b)) => nearest_16(r, g, b),
        (Depth::Ansi16, Color::Indexed(index)) => match index {
            0..16 => PALETTE
                .get(usize::from(index))
                .map(|entry| entry.3)
                .or_bug("the palette has sixteen colours"),
            16..232 => {
                let index = index - 16;
                let level = |i: u8| {
                    let level = LEVELS.get(usize::from(i % 6));
                    level.copied().or_bug("the colour cube has six levels")
                };
                nearest_16(level(index / 36), level(index / 6), level(index))
            }
            232.. => {
                let grey = 8 + (index - 232) * 10;
                nearest_16(grey, grey, grey)
            }
        },
        (_, named) => named,
    }
}

/// Red, green and blue.
pub type Rgb = [u8; 3];

/// The contrast that text needs to be read, by the WCAG (AA).
pub const READABLE: f32 = 4.5;

/// The luminance of a ground above which it is light: black and white are read on it alike.
const MIDDLE: f32 = 0.18;

/// The parts of a colour. None for the sixteen of the terminal's palette, which only it knows.
pub fn rgb(colour: Color) -> Option<Rgb> {
    match colour {
        Color::Rgb(r, g, b) => Some([r, g, b]),
        Color::Indexed(index) => rgb_of_index(index),
        _ => None,
    }
}

fn rgb_of_index(index: u8) -> Option<Rgb> {
    match index {
        0..16 => None,
        16..232 => {
            let index = index - 16;
            let level = |i: u8| LEVELS.get(usize::from(i % 6)).copied();
            Some([level(index / 36)?, level(index / 6)?, level(index)?])
        }
        232.. => Some([8 + (index - 232) * 10; 3]),
    }
}

/// The relative luminance of a colour, as the WCAG defines it.
pub fn luminance(colour: Rgb) -> f32 {
    let [r, g, b] = colour.map(|c| {
        let c = f32::from(c) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Tells whether dark text is read better on a ground than light text.
pub fn is_light(ground: Rgb) -> bool {
    luminance(ground) > MIDDLE
}

/// The contrast of two colours, from 1 to 21, as the WCAG defines it.
pub fn contrast(a: Rgb, b: Rgb) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// The least contrast of a colour to some grounds.
pub fn least_contrast(colour: Rgb, grounds: &[Rgb]) -> f32 {
    let contrasts = grounds.iter().map(|ground| contrast(colour, *ground));
    contrasts.fold(21.0, f32::min)
}

/// A colour with a share of another in it.
pub fn mixed(colour: Rgb, other: Rgb, share: f32) -> Rgb {
    let mut out = colour;
    for (a, b) in out.iter_mut().zip(other) {
        *a = (f32::from(*a) * (1.0 - share) + f32::from(b) * share).round() as u8;
    }
    out
}

/// The colour, moved towards black or white as far as it takes to be read on all grounds.
pub fn lifted(colour: Rgb, grounds: &[Rgb], least: f32) -> Rgb {
    const STEPS: u8 = 40;
    let light = grounds.first().is_some_and(|ground| is_light(*ground));
    let ink = if light { [0; 3] } else { [255; 3] };
    (0..=STEPS)
        .map(|step| mixed(colour, ink, f32::from(step) / f32::from(STEPS)))
        .find(|lifted| least_contrast(*lifted, grounds) >= least)
        .unwrap_or(ink)
}

/// The nearest of xterm's 240 fixed colours that is read on all grounds; the nearest at all where
/// none is.
pub fn readable_256(colour: Rgb, grounds: &[Rgb], least: f32) -> u8 {
    let [r, g, b] = colour;
    let far = |other: Rgb| distance((r, g, b), (other[0], other[1], other[2]));
    (16..=255)
        .filter_map(|index| Some((index, rgb_of_index(index)?)))
        .filter(|(_, other)| least_contrast(*other, grounds) >= least)
        .min_by_key(|(_, other)| far(*other))
        .map_or_else(|| nearest_256(r, g, b), |(index, _)| index)
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let square = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
    // The eye sees green best and blue least.
    2 * square(a.0, b.0) + 4 * square(a.1, b.1) + 3 * square(a.2, b.2)
}

fn nearest_256(r: u8, g: u8, b: u8) -> u8 {
    // The nearest step of the cube, and its level.
    let step = |v: u8| {
        (0u8..)
            .zip(LEVELS)
            .min_by_key(|(_, level)| level.abs_diff(v))
            .or_bug("the colour cube has six levels")
    };
    let ((ri, red), (gi, green), (bi, blue)) = (step(r), step(g), step(b));
    let cube = (red, green, blue);
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let grey_step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = 8 + 10 * grey_step;
    if distance((grey, grey, grey), (r, g, b)) < distance(cube, (r, g, b)) {
        232 + grey_step
    } else {
        16 + 36 * ri + 6 * gi + bi
    }
}

fn nearest_16(r: u8, g: u8, b: u8) -> Color {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let spread = i32::from(most - least);
    // A pastel is nearer to a grey than to any pure colour, but it is its hue that means
    // something.
    if spread > 30 {
        let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
        let most = i32::from(most);
        let hue = if most == r {
            60 * (g - b) / spread
        } else if most == g {
            120 + 60 * (b - r) / spread
        } else {
            240 + 60 * (r - g) / spread
        };
        return match hue.rem_euclid(360) {
            20..75 => Color::Yellow,
            75..160 => Color::Green,
            160..205 => Color::Cyan,
            205..265 => Color::Blue,
            265..335 => Color::Magenta,
            _ => Color::Red,
        };
    }
    PALETTE
        .iter()
        .min_by_key(|entry| distance((entry.0, entry.1, entry.2), (r, g, b)))
        .map(|entry| entry.3)
        .or_bug("the palette has sixteen colours")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_tells_the_depth() {
        let find = |pairs: &[(&str, &str)]| {
            Depth::find(|name| {
                pairs
                    .iter()
                    .find(|(n, _)| *n == name)
                    .map(|(_, v)| (*v).to_owned())
            })
        };
        assert_eq!(
            find(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]),
            Depth::True
        );
        assert_eq!(find(&[("TERM", "tmux-256color")]), Depth::Ansi256);
        assert_eq!(find(&[("TERM", "linux")]), Depth::Ansi16);
        assert_eq!(
            find(&[("TERM", "dumb"), ("COLORTERM", "24bit")]),
            Depth::None
        );
        assert_eq!(
            find(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]),
            Depth::None
        );
        assert_eq!(
            find(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]),
            Depth::Ansi256
        );
    }

    #[test]
    fn colours_come_down_to_the_nearest() {
        assert_eq!(
            down(Color::Rgb(255, 0, 0), Depth::Ansi256),
            Color::Indexed(196)
        );
        assert_eq!(
            down(Color::Rgb(8, 8, 8), Depth::Ansi256),
            Color::Indexed(232)
        );
        assert_eq!(down(Color::Rgb(152, 187, 108), Depth::Ansi16), Color::Green);
        assert_eq!(down(Color::Rgb(228, 104, 118), Depth::Ansi16), Color::Red);
        assert_eq!(down(Color::Indexed(196), Depth::Ansi16), Color::Red);
        assert_eq!(down(Color::Red, Depth::Ansi256), Color::Red);
        assert_eq!(down(Color::Rgb(1, 2, 3), Depth::None), Color::Reset);
    }
}
