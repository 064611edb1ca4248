//! The same lines come of an input however it is cut into pieces, and they are
//! those that an obvious way of cutting finds.

#![no_main]

use httpmon::read::line::{Line, LineCutter, Lines, MAX_LINE};
use httpmon_fuzz::{Bytes, lines, pieces};
use libfuzzer_sys::fuzz_target;

type Owned = (Vec<u8>, Vec<u8>, bool);

/// The end of an overlong line depends on the pieces, and means nothing.
fn owned(line: Line<'_>) -> Owned {
    assert!(line.text.len() <= MAX_LINE && (!line.overlong || line.text.len() == MAX_LINE));
    assert!(matches!(line.end, b"\n" | b"\r\n" | b"\r" | b""));
    (line.text.to_vec(), if line.overlong { Vec::new() } else { line.end.to_vec() }, line.overlong)
}

fn cut(pieces: &[&[u8]]) -> Vec<Owned> {
    let mut cutter = LineCutter::default();
    let mut found = Vec::new();
    for mut piece in pieces.iter().copied() {
        while let Some(text) = cutter.next(&mut piece) {
            found.extend(Lines::new(text, 0).map(owned));
        }
        assert!(piece.is_empty(), "all of it is taken");
    }
    found.extend(cutter.last().into_iter().flat_map(|text| Lines::new(text, 0)).map(owned));
    assert_eq!(cutter.last(), None, "the last line comes once");
    found
}

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let seed = bytes.next();
    // 1A n b: about as many bytes b as a line may have; not in most inputs, as it takes its time.
    let mut input = Vec::new();
    let mut long = 0;
    while !bytes.is_empty() {
        match bytes.next() {
            0x1A if seed >= 0xFE && long < 1 => {
                long += 1;
                let length = MAX_LINE - 8 + usize::from(bytes.next() % 16);
                input.resize(input.len() + length, bytes.next());
            }
            byte => input.push(byte),
        }
    }
    let expected = lines(&input);
    assert_eq!(cut(&[&input]), expected, "in one piece");
    assert_eq!(cut(&pieces(seed, &input)), expected, "in pieces of seed {seed}");
});
