//! The lines of a graph out of an archive: unpacked as they come, one after the other.

use std::{
    collections::{BTreeMap, HashSet},
    io::Write,
};

use anyhow::{Context, Result, bail};
use flate2::write::GzDecoder;

use super::archive::Sink;
use crate::domain::backup::graph::{GraphFacts, Line, Summing, is_part};

/// Longest line. A property is text of a person or a service; nothing of ours is that long.
const LONGEST: usize = 256 << 20;

/// Makes lines of packed bytes.
pub struct Lines {
    unpacking: GzDecoder<Vec<u8>>,
    /// How far no line break was seen.
    looked: usize,
    summing: Summing,
    nodes: HashSet<String>,
    began_relationships: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            unpacking: GzDecoder::new(Vec::new()),
            looked: 0,
            summing: Summing::default(),
            nodes: HashSet::new(),
            began_relationships: false,
        }
    }
}

impl Lines {
    /// Takes bytes, and gives each line that is whole.
    ///
    /// # Errors
    /// When they are damaged, a line is none of ours, or `each` says so.
    pub fn take(&mut self, packed: &[u8], mut each: impl FnMut(Line) -> Result<()>) -> Result<()> {
        // In pieces: what is packed well becomes long.
        for piece in packed.chunks(16 << 10) {
            self.unpacking.write_all(piece).context("the graph is damaged")?;
            self.lines(&mut each)?;
        }
        Ok(())
    }

    fn lines(&mut self, each: &mut impl FnMut(Line) -> Result<()>) -> Result<()> {
        let mut text = std::mem::take(self.unpacking.get_mut());
        let mut begin = 0;
        let mut from = self.looked;
        while let Some(length) = text[from..].iter().position(|byte| *byte == b'\n') {
            let end = from + length;
            let bytes = &text[begin..end];
            let line: Line = serde_json::from_slice(bytes).context("a line of the graph is damaged")?;
            self.check(&line)?;
            self.summing.take(&line, bytes);
            each(line)?;
            begin = end + 1;
            from = begin;
        }
        text.drain(..begin);
        if text.len() > LONGEST {
            bail!("a line of the graph is too long");
        }
        self.looked = text.len();
        *self.unpacking.get_mut() = text;
        Ok(())
    }

    /// Relationships are between nodes that came before them.
    fn check(&mut self, line: &Line) -> Result<()> {
        match line {
            Line::Node { .. } if self.began_relationships => bail!("a node of the graph comes too late"),
            Line::Node { id, .. } => {
                if !self.nodes.insert(id.clone()) {
                    bail!("a node of the graph is there twice");
                }
            }
            Line::Relationship { from, to, .. } => {
                self.began_relationships = true;
                if !self.nodes.contains(from) || !self.nodes.contains(to) {
                    bail!("a relationship of the graph has lost its node");
                }
            }
        }
        Ok(())
    }

    /// What all of it was.
    ///
    /// # Errors
    /// When the last line is not whole.
    pub fn end(mut self, mut each: impl FnMut(Line) -> Result<()>) -> Result<GraphFacts> {
        self.unpacking.try_finish().context("the graph is cut off")?;
        self.lines(&mut each)?;
        if self.looked > 0 {
            bail!("the last line of the graph is cut off");
        }
        Ok(self.summing.facts(""))
    }
}

/// Reads the lines of every graph of an archive and keeps none; what is wrong with one is told when it counts.
#[derive(Default)]
pub struct Looking {
    current: Option<Result<Lines>>,
    found: BTreeMap<String, Result<GraphFacts, String>>,
}

impl Looking {
    /// What the part of this name holds.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn found(&self, part: &str) -> Result<&GraphFacts, String> {
        match self.found.get(part) {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(error.clone()),
            None => Err("it is not there".to_owned()),
        }
    }
}

impl Sink for Looking {
    fn data(&mut self, part: &str, bytes: &[u8]) -> Result<()> {
        if is_part(part) {
            let current = self.current.get_or_insert_with(|| Ok(Lines::default()));
            if let Ok(lines) = current
                && let Err(error) = lines.take(bytes, |_| Ok(()))
            {
                *current = Err(error);
            }
        }
        Ok(())
    }

    fn end(&mut self, part: &str) -> Result<()> {
        if let Some(current) = self.current.take() {
            let facts = current.and_then(|lines| lines.end(|_| Ok(()))).map_err(|error| format!("{error:#}"));
            self.found.insert(part.to_owned(), facts);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const NODE: &str = r#"{"node":{"id":"1","labels":["A"],"properties":{"text":"a\nb"}}}"#;
    const LOOP: &str = r#"{"relationship":{"from":"1","type":"T","to":"1","properties":{}}}"#;

    fn packed(text: &str) -> Vec<u8> {
        let mut packing = GzEncoder::new(Vec::new(), Compression::default());
        packing.write_all(text.as_bytes()).unwrap();
        packing.finish().unwrap()
    }

    fn read(packed: &[u8], step: usize) -> Result<(GraphFacts, usize)> {
        let mut lines = Lines::default();
        let mut count = 0;
        for piece in packed.chunks(step) {
            lines.take(piece, |_| {
                count += 1;
                Ok(())
            })?;
        }
        let facts = lines.end(|_| {
            count += 1;
            Ok(())
        })?;
        Ok((facts, count))
    }

    #[test]
    fn lines_are_whole_wherever_their_bytes_are_cut() {
        let packed = packed(&format!("{NODE}\n{LOOP}\n"));
        let whole = read(&packed, usize::MAX).unwrap();
        assert_eq!((whole.0.nodes, whole.0.relationships, whole.1), (1, 1, 2));
        for step in [1, 7, 30] {
            assert_eq!(read(&packed, step).unwrap(), whole, "{step}");
        }
        assert!(read(&packed[..packed.len() - 12], 7).is_err(), "cut off");
    }

    #[test]
    fn what_no_writer_of_ours_writes_is_refused() {
        for (text, words) in [
            (format!("{LOOP}\n"), "lost its node"),
            (format!("{NODE}\n{NODE}\n"), "twice"),
            (format!("{NODE}\n{LOOP}\n{}\n", NODE.replace("\"1\"", "\"2\"")), "too late"),
            (format!("{NODE}\n{{\"statement\":\"x\"}}\n"), "damaged"),
            (NODE.to_owned(), "cut off"),
        ] {
            let error = format!("{:#}", read(&packed(&text), usize::MAX).unwrap_err());
            assert!(error.contains(words), "{error}");
        }
    }
}
