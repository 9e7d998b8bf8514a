//! The function at a place in a program's file: elf(5).
//!
//! Whatever the file holds, reads stay inside it.

use core::mem::size_of;
#[cfg(target_pointer_width = "32")]
use libc::{
    Elf32_Ehdr as Header, Elf32_Phdr as Segment, Elf32_Shdr as Section, Elf32_Sym as Symbol,
};
#[cfg(target_pointer_width = "64")]
use libc::{
    Elf64_Ehdr as Header, Elf64_Phdr as Segment, Elf64_Shdr as Section, Elf64_Sym as Symbol,
};

/// The kinds of symbol table: that of the linker, and that of the loader.
const TABLES: [u32; 2] = [2, 11];
const STT_FUNC: u8 = 2;

/// Types of elf(5), which are integers all through.
trait Plain: Copy {}
impl Plain for Header {}
impl Plain for Segment {}
impl Plain for Section {}
impl Plain for Symbol {}

/// The name of the function whose code is at `offset` in the file.
pub(super) fn function_at(file: &[u8], offset: usize) -> Option<&[u8]> {
    let header: Header = read(file, 0)?;
    if header.e_ident[..4] != *b"\x7FELF" {
        return None;
    }
    let segments = table::<Segment>(file, header.e_phoff as usize, header.e_phnum.into());
    let address = segments
        .filter(|segment| segment.p_type == libc::PT_LOAD)
        .find_map(|segment| {
            let into = offset.checked_sub(segment.p_offset as usize)?;
            (into < segment.p_filesz as usize)
                .then_some((segment.p_vaddr as usize).wrapping_add(into))
        })?;
    let sections = || table::<Section>(file, header.e_shoff as usize, header.e_shnum.into());
    TABLES.iter().find_map(|&kind| {
        let symbols = sections().find(|section| section.sh_type == kind)?;
        let names = sections().nth(symbols.sh_link as usize)?;
        let count = symbols.sh_size as usize / size_of::<Symbol>();
        let symbol = table::<Symbol>(file, symbols.sh_offset as usize, count).find(|symbol| {
            // ARM marks Thumb code by the lowest bit.
            let start = symbol.st_value as usize & !usize::from(cfg!(target_arch = "arm"));
            symbol.st_info & 0xF == STT_FUNC
                && address
                    .checked_sub(start)
                    .is_some_and(|into| into < symbol.st_size as usize)
        })?;
        let names = file.get(names.sh_offset as usize..)?;
        let name = names.get(symbol.st_name as usize..)?;
        name.split(|&byte| byte == 0).next()
    })
}

/// The entries of a table, as far as the file has them.
fn table<T: Plain>(file: &[u8], offset: usize, count: usize) -> impl Iterator<Item = T> {
    (0..count).map_while(move |n| read(file, offset.checked_add(n.checked_mul(size_of::<T>())?)?))
}

fn read<T: Plain>(file: &[u8], offset: usize) -> Option<T> {
    let bytes = file.get(offset..)?.get(..size_of::<T>())?;
    // SAFETY: that many bytes are readable, and any bytes are a `T`.
    Some(unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosted::overflow::module::Module;
    use core::str;

    #[test]
    fn a_function_of_this_program_has_its_name() {
        let mut module = Module::new();
        let inside = read::<Header> as *const () as usize;
        assert!(module.find(inside));
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let name = function_at(&file, module.file_offset).unwrap();
        let name = format!(
            "{:#}",
            rustc_demangle::demangle(str::from_utf8(name).unwrap())
        );
        assert!(name.contains("overflow::elf::read"), "{name}");
    }

    /// A file of two functions of 16 bytes, which are at 0x100 of it and the only ones in its table;
    /// what follows the table looks like a third one, at 0x120.
    fn two_functions() -> Vec<u8> {
        const AT: usize = 0x100;
        const SECTIONS: usize = size_of::<Header>() + size_of::<Segment>();
        const SYMBOLS: usize = 0x200;
        const NAMES: usize = SYMBOLS + 3 * size_of::<Symbol>();
        fn put<T: Plain>(file: &mut [u8], offset: usize, make: impl FnOnce(&mut T)) {
            let mut value: T = read(&[0; 128], 0).unwrap();
            make(&mut value);
            let place = file[offset..].as_mut_ptr().cast::<T>();
            assert!(offset + size_of::<T>() <= file.len());
            // SAFETY: inside of the file.
            unsafe { place.write_unaligned(value) };
        }
        let names = *b"\0first\0second\0third\0";
        let mut file = vec![0; NAMES + names.len()];
        put(&mut file, 0, |header: &mut Header| {
            header.e_ident[..4].copy_from_slice(b"\x7FELF");
            header.e_phoff = size_of::<Header>() as _;
            header.e_phnum = 1;
            header.e_shoff = SECTIONS as _;
            header.e_shnum = 2;
        });
        put(&mut file, size_of::<Header>(), |segment: &mut Segment| {
            segment.p_type = libc::PT_LOAD;
            (segment.p_offset, segment.p_filesz, segment.p_vaddr) = (AT as _, 0x30, 0x1000);
        });
        put(&mut file, SECTIONS, |section: &mut Section| {
            (section.sh_type, section.sh_link) = (2, 1);
            section.sh_offset = SYMBOLS as _;
            section.sh_size = (2 * size_of::<Symbol>()) as _;
        });
        let place = SECTIONS + size_of::<Section>();
        put(&mut file, place, |section: &mut Section| {
            section.sh_offset = NAMES as _
        });
        for (number, name) in [1, 7, 14].into_iter().enumerate() {
            let place = SYMBOLS + number * size_of::<Symbol>();
            put(&mut file, place, |symbol: &mut Symbol| {
                symbol.st_name = name;
                symbol.st_info = STT_FUNC;
                symbol.st_value = (0x1000 + number * 0x10) as _;
                symbol.st_size = 0x10;
            });
        }
        file[NAMES..].copy_from_slice(&names);
        file
    }

    #[test]
    fn a_function_ends_where_the_next_one_begins() {
        let file = two_functions();
        let name = |offset| function_at(&file, offset).map(|name| str::from_utf8(name).unwrap());
        assert_eq!([name(0x100), name(0x10F)], [Some("first"); 2]);
        assert_eq!([name(0x110), name(0x11F)], [Some("second"); 2]);
        assert_eq!(name(0x120), None, "the table has two");
        assert_eq!(name(0xFF), None);
    }

    #[test]
    fn a_segment_ends_where_its_bytes_in_the_file_end() {
        let mut file = two_functions();
        let segment = size_of::<Header>();
        let mut cut: Segment = read(&file, segment).unwrap();
        cut.p_filesz = 0x10;
        let place = file[segment..].as_mut_ptr().cast::<Segment>();
        // SAFETY: the place of this segment.
        unsafe { place.write_unaligned(cut) };
        assert_eq!(function_at(&file, 0x10F), Some(&b"first"[..]));
        assert_eq!(function_at(&file, 0x110), None);
    }

    #[test]
    fn broken_files_have_no_functions() {
        let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(function_at(&[], 0), None);
        assert_eq!(function_at(b"#!/bin/sh\n", 0), None);
        for len in [3, 4, 16, 63, 64, 100, 1000] {
            assert_eq!(function_at(&file[..len], 0x1000), None, "{len}");
        }
        let mut random = testing::Random::new(1);
        for _ in 0..testing::cases(2000) {
            let mut broken = file[..4096.min(file.len())].to_vec();
            for _ in 0..4 {
                broken[16 + random.below(200)] = random.bits() as u8;
            }
            // Anything but a panic.
            let _ = function_at(&broken, random.below(1 << 20));
        }
    }
}
