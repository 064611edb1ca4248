//! A line has the fields that the csv crate finds, with and without escape.

#![no_main]

use std::cell::RefCell;

use csv::{ByteRecord, ReaderBuilder, Terminator};
use httpmon::read::record::{Splitter, trim};
use httpmon_fuzz::{Bytes, DELIMITERS};
use libfuzzer_sys::fuzz_target;

/// The fields by the csv crate; `None` if the line ends inside quotes.
fn by_csv(line: &[u8], delimiter: u8, escape: Option<u8>) -> Option<Vec<Vec<u8>>> {
    // If a quote is open, the next line belongs to the same record.
    let input = [line, b"\nnext\n"].concat();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .terminator(Terminator::Any(b'\n'))
        .escape(escape)
        .buffer_capacity(16)
        .from_reader(&input[..]);
    let mut record = ByteRecord::new();
    assert!(reader.read_byte_record(&mut record).expect("bytes can be read"));
    let fields = record.iter().map(|field| trim(field).to_vec()).collect();
    reader.read_byte_record(&mut record).expect("bytes can be read").then_some(fields)
}

/// The same by what is inside of that crate, with a reader that is used again.
fn by_core(line: &[u8], reader: &mut csv_core::Reader) -> Option<Vec<Vec<u8>>> {
    reader.reset();
    let mut input = &[line, b"\n"].concat()[..];
    let (mut fields, mut field) = (Vec::new(), Vec::new());
    loop {
        let mut out = [0; 32];
        let (result, read, written) = reader.read_field(input, &mut out);
        input = &input[read..];
        field.extend_from_slice(&out[..written]);
        match result {
            csv_core::ReadFieldResult::Field { record_end } => {
                fields.push(trim(&field).to_vec());
                field.clear();
                if record_end {
                    return Some(fields);
                }
            }
            csv_core::ReadFieldResult::InputEmpty => return None,
            csv_core::ReadFieldResult::OutputFull => {}
            csv_core::ReadFieldResult::End => panic!("the input hasn't ended"),
        }
    }
}

struct Splitters {
    delimiter: u8,
    usual: (Splitter, csv_core::Reader),
    escaping: (Splitter, csv_core::Reader),
}

impl Splitters {
    fn new(delimiter: u8) -> Splitters {
        let reader = |escape| {
            csv_core::ReaderBuilder::new()
                .delimiter(delimiter)
                .terminator(csv_core::Terminator::Any(b'\n'))
                .escape(escape)
                .build()
        };
        Splitters {
            delimiter,
            usual: (Splitter::new(delimiter), reader(None)),
            escaping: (Splitter::escaping(delimiter), reader(Some(b'\\'))),
        }
    }
}

thread_local! {
    static SPLITTERS: RefCell<[Splitters; 4]> = RefCell::new(DELIMITERS.map(Splitters::new));
}

fuzz_target!(|data: &[u8]| {
    let bytes = &mut Bytes(data);
    let chosen = usize::from(bytes.next());
    SPLITTERS.with_borrow_mut(|splitters| {
        let Splitters { delimiter, usual, escaping } = &mut splitters[chosen % 4];
        // To make the crate's own reader takes long.
        let mut is_for_csv = chosen / 4 % 16 == 15;
        while !bytes.is_empty() {
            let line = bytes.line();
            // Lines come without a BOM, and empty ones are no records.
            if line.is_empty() || line.starts_with(b"\xEF\xBB\xBF") {
                continue;
            }
            for ((splitter, reader), escape) in [(&mut *usual, None), (&mut *escaping, Some(b'\\'))] {
                let fields = splitter.split(line).ok().map(|record| {
                    let fields: Vec<Vec<u8>> = record.fields().map(<[u8]>::to_vec).collect();
                    assert_eq!(fields.len(), record.width());
                    assert_eq!(record.field(fields.len()), b"");
                    fields
                });
                assert_eq!(fields, by_core(line, reader), "{:?}", line.escape_ascii().to_string());
                if is_for_csv {
                    assert_eq!(fields, by_csv(line, *delimiter, escape));
                }
            }
            is_for_csv = false;
        }
    });
});
