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
