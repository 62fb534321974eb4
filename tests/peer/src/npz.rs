//! The reference arrays of the numeric fixtures: `.npy` arrays in a zip that is only stored.

use std::path::Path;

use crate::Result;

/// One array, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Its size along each dimension.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub numbers: Numbers,
}

/// The numbers of an array.
#[derive(Debug, Clone, PartialEq)]
pub enum Numbers {
    /// float32, as logits are.
    Float(Vec<f32>),
    /// int32, as token ids are.
    Int(Vec<i32>),
}

/// All arrays of an archive.
#[derive(Debug)]
pub struct Archive(Vec<(String, Array)>);

impl Archive {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read, is packed, or holds what is no float32 or int32 array.
    pub fn open(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        Self::parse(&bytes).map_err(|e| format!("{}: {e}", path.display()).into())
    }

    /// From the bytes of a zip.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        // The directory at the end has the true sizes; the headers before each file may
        // leave them to an extension.
        let end = bytes
            .windows(4)
            .rposition(|w| w == b"PK\x05\x06")
            .ok_or("no end of a zip")?;
        let mut at = number(bytes, end + 16, 4)?;
        let mut arrays = Vec::new();
        for _ in 0..number(bytes, end + 10, 2)? {
            if span(bytes, at, 4)? != b"PK\x01\x02" {
                return Err("the directory is broken".into());
            }
            if number(bytes, at + 10, 2)? != 0 {
                return Err("it is packed, not stored".into());
            }
            let size = number(bytes, at + 24, 4)?;
            let (name, extra, comment) = (
                number(bytes, at + 28, 2)?,
                number(bytes, at + 30, 2)?,
                number(bytes, at + 32, 2)?,
            );
            let local = number(bytes, at + 42, 4)?;
            let title = String::from_utf8_lossy(span(bytes, at + 46, name)?).into_owned();
            let start = local + 30 + number(bytes, local + 26, 2)? + number(bytes, local + 28, 2)?;
            let array = npy(span(bytes, start, size)?).map_err(|e| format!("{title}: {e}"))?;
            arrays.push((title.trim_end_matches(".npy").to_owned(), array));
            at += 46 + name + extra + comment;
        }
        Ok(Self(arrays))
    }

    /// The array of this name.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, a)| a)
    }

    /// The float32 numbers of this name.
    ///
    /// # Errors
    /// When there are none.
    pub fn floats(&self, name: &str) -> Result<&[f32]> {
        match self.get(name).map(|a| &a.numbers) {
            Some(Numbers::Float(x)) => Ok(x),
            _ => Err(format!("no float32 array `{name}`").into()),
        }
    }

    /// The int32 numbers of this name.
    ///
    /// # Errors
    /// When there are none.
    pub fn ints(&self, name: &str) -> Result<&[i32]> {
        match self.get(name).map(|a| &a.numbers) {
            Some(Numbers::Int(x)) => Ok(x),
            _ => Err(format!("no int32 array `{name}`").into()),
        }
    }
}

fn span(bytes: &[u8], at: usize, n: usize) -> Result<&[u8]> {
    Ok(bytes.get(at..at + n).ok_or("it is cut off")?)
}

fn number(bytes: &[u8], at: usize, n: usize) -> Result<usize> {
    Ok(span(bytes, at, n)?
        .iter()
        .rev()
        .fold(0, |x, b| x << 8 | usize::from(*b)))
}

fn npy(bytes: &[u8]) -> Result<Array> {
    if span(bytes, 0, 6)? != b"\x93NUMPY" {
        return Err("no array".into());
    }
    // Version 1 counts the header in two bytes, later ones in four.
    let wide = if bytes.get(6) == Some(&1) { 2 } else { 4 };
    let size = number(bytes, 8, wide)?;
    let header = std::str::from_utf8(span(bytes, 8 + wide, size)?)?;
    if !header.contains("'fortran_order': False") {
        return Err("columns first".into());
    }
    let between = |from: &str, to: char| {
        let rest = header.split_once(from)?.1;
        Some(rest.split_once(to)?.0)
    };
    let shape = between("'shape': (", ')')
        .ok_or("no shape")?
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .map(str::parse)
        .collect::<std::result::Result<Vec<usize>, _>>()?;
    let count: usize = shape.iter().product();
    let body = span(bytes, 8 + wide + size, count * 4)?;
    let words = body.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
    let numbers = match between("'descr': '", '\'') {
        Some("<f4") => Numbers::Float(words.map(f32::from_le_bytes).collect()),
        Some("<i4") => Numbers::Int(words.map(i32::from_le_bytes).collect()),
        other => return Err(format!("numbers of type {other:?}").into()),
    };
    Ok(Array { shape, numbers })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zip of one stored array, sizes left out of the header before it, as numpy may do.
    fn archive(name: &str, descr: &str, shape: &str, body: &[u8], method: u8) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let mut npy = b"\x93NUMPY\x01\x00".to_vec();
        npy.extend((header.len() as u16).to_le_bytes());
        npy.extend(header.as_bytes());
        npy.extend(body);
        let mut zip = b"PK\x03\x04".to_vec();
        zip.extend([0; 14]);
        zip.extend([0xff; 8]);
        zip.extend((name.len() as u16).to_le_bytes());
        zip.extend([20, 0]);
        zip.extend(name.as_bytes());
        zip.extend([7; 20]);
        zip.extend(&npy);
        let directory = zip.len() as u32;
        zip.extend(b"PK\x01\x02");
        zip.extend([0, 0, 0, 0, 0, 0, method, 0]);
        zip.extend([0; 8]);
        zip.extend((npy.len() as u32).to_le_bytes());
        zip.extend((npy.len() as u32).to_le_bytes());
        zip.extend((name.len() as u16).to_le_bytes());
        zip.extend([0; 16]);
        zip.extend(name.as_bytes());
        zip.extend(b"PK\x05\x06");
        zip.extend([0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0]);
        zip.extend(directory.to_le_bytes());
        zip.extend([0, 0]);
        zip
    }

    #[test]
    fn arrays_of_both_kinds_are_read() {
        let body: Vec<u8> = [1.0f32, -2.0, 0.5, 8.0]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let read = Archive::parse(&archive("a.npy", "<f4", "2, 2", &body, 0)).expect("an archive");
        assert_eq!(read.floats("a").expect("floats"), [1.0, -2.0, 0.5, 8.0]);
        assert_eq!(read.get("a").expect("a").shape, [2, 2]);
        assert!(read.ints("a").is_err() && read.floats("b").is_err());
        let read = Archive::parse(&archive("t.npy", "<i4", "1,", &[5, 1, 0, 0], 0)).expect("one");
        assert_eq!(read.ints("t").expect("ints"), [261]);
    }

    #[test]
    fn what_is_packed_broken_or_of_another_type_is_refused() {
        let whole = archive("a.npy", "<f4", "1,", &[0; 4], 0);
        assert!(Archive::parse(&whole[..whole.len() / 2]).is_err());
        assert!(Archive::parse(&archive("a.npy", "<f4", "1,", &[0; 4], 8)).is_err());
        assert!(Archive::parse(&archive("a.npy", "<f8", "1,", &[0; 8], 0)).is_err());
        assert!(Archive::parse(&archive("a.npy", "<f4", "2,", &[0; 4], 0)).is_err());
    }
}
