//! The script for gdb reads records by names and an order of its own.

use super::super::registry;
use super::Record;
use core::mem::offset_of;

const SCRIPT: &str = include_str!("../../../gdb/coro-gdb.py");

/// What stands between two texts of the script.
fn between(begin: &str, end: &str) -> &'static str {
    let (_, rest) = SCRIPT.split_once(begin).expect("the beginning");
    rest.split_once(end).expect("the end").0
}

macro_rules! offsets {
    ($($field:ident)*) => {
        [$((stringify!($field), offset_of!(Record, $field))),*]
    };
}

#[test]
fn fields_are_where_the_script_expects_them() {
    let words = offsets! {
        next previous context stage low high handle name name_length created_file
        created_file_length suspended_file suspended_file_length awaits awaits_length number
    };
    let shorts = offsets! {
        created_line suspended_line since_seconds since_nanoseconds suspended thread
    };
    let in_script = |begin| between(begin, "\".split()").trim_start_matches('"');
    let names = in_script("\nWORDS = \"\"").trim_end_matches('"');
    let mut offset = 0;
    let mut expected = Vec::new();
    for (list, size) in [(names, size_of::<usize>()), (in_script("\nSHORTS = "), 4)] {
        for name in list.split_whitespace() {
            expected.push((name, offset));
            offset += size;
        }
    }
    let mut fields = words.to_vec();
    fields.extend(shorts);
    assert_eq!(expected, fields);
    assert_eq!(offset, Record::DESCRIBED);
    let layout = between("\nLAYOUT = ", "\n");
    assert_eq!(layout, registry::LAYOUT.to_string());
    let stages = between("\nCREATED, COMPLETE = ", "\n");
    assert_eq!(stages, format!("{}, {}", super::CREATED, super::COMPLETE));
}

#[test]
fn the_list_has_the_name_that_the_script_looks_for() {
    let name = between("\nHEAD = \"", "\"");
    let declared = include_str!("../registry.rs");
    assert!(declared.contains(&format!("export_name = \"{name}")));
}
