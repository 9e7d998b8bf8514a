//! The text form: an assembler and a disassembler.
//!
//! One instruction a line, after any number of labels:
//!
//! ```text
//! ; the rest of a line after `;` is a comment, and so is everything in {braces}
//! .const  LIMIT 10
//! .error  E_late 0x0501           ; a name for an error code
//! .fiber  main globals 1 2        ; start here, with this globals base and these words
//!
//! main:
//!         PUSH LIMIT              { -> limit }  the shortest SLIT or LIT that holds it
//!         LIT.2 table+4           { -> a }
//!         FT.4                    { a -> v }
//!         XLL square              { n -> n*n }
//!         DV catch
//!         RET
//! square: .locals 8               ; the header of a large function
//!         SRLL.4 0
//!         RET
//! table:  .u32 1 -2 'a' main      ; data, little-endian; .u8 and .u16 likewise
//!         .text "bytes\n"
//!         .align 4
//!         .space 16               ; that many zeroes
//!         .org 0x3000             ; go on there
//! globals: .u32 0
//! ```
//!
//! - **Sizes**: `.1`, `.2` and `.4` after the name. Without one, memory instructions and `LIT` move
//!   four bytes, and instructions with a target or a length take two.
//! - **Numbers**: decimal, `0x` hexadecimal, `0b` binary, `'c'` characters, labels, constants, error
//!   names, and sums and differences of those without spaces (`table+4`).
//! - **Targets** are addresses; the assembler turns them into what the size asks for.
//! - **Device operations** and **registers** go by name (`DV catch`, `RG gb`, `RG ls+8`) or number.
//! - **Fibers**: without `.fiber`, one starts at the label `main`, or else at the first byte.
//! - A program starts at address 2000 (hexadecimal) unless it begins with `.org`.
//! - **Errors**: all of a text are reported together ([`AsmErrors`]), each with line, column and word.
//!   What only follows from an earlier error is not: see [`assemble()`].

mod assemble;
mod disassemble;
mod encode;
mod error;
mod expression;
mod program;
mod token;

pub use assemble::{assemble, assemble_with, source_text};
pub use disassemble::{Disassembled, disassemble, disassemble_one};
pub use error::{AsmError, AsmErrorKind, AsmErrors};
pub use program::{DEFAULT_ORIGIN, LoadError, Program, Segment, Start};
