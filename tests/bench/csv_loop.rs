//! The csv crate's bare loop: reads every record from standard input into one
//! `ByteRecord`, does nothing with it, and prints how many there were. It is
//! what the filter's speed is held against.

use std::io::{self, Write as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(io::stdin().lock());
    let mut record = csv::ByteRecord::new();
    let mut records = 0_u64;
    while reader.read_byte_record(&mut record)? {
        records += 1;
    }
    Ok(writeln!(io::stdout(), "{records}")?)
}
