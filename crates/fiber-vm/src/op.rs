//! The instruction set, once: names, bytes, immediates and stack effects.
//!
//! The interpreter matches on the constants of [`opcode`]; the assembler and the disassembler read
//! [`OPS`]. Both come out of the same list, so they cannot disagree.

/// How many bytes a sized instruction moves, or how wide its literal is.
///
/// It sits in bits 4 and 5 of the instruction; `30` there is no size.
///
/// Exhaustive: the instruction set is fixed, and has no other sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Size {
    /// One byte, `00`.
    One,
    /// Two bytes, `10`.
    Two,
    /// Four bytes, `20`.
    Four,
}

impl Size {
    /// All sizes, smallest first.
    pub const ALL: [Size; 3] = [Size::One, Size::Two, Size::Four];

    /// The number of bytes: 1, 2 or 4.
    pub const fn bytes(self) -> u32 {
        match self {
            Size::One => 1,
            Size::Two => 2,
            Size::Four => 4,
        }
    }

    /// What is added to the instruction's base byte.
    pub const fn bits(self) -> u8 {
        match self {
            Size::One => 0x00,
            Size::Two => 0x10,
            Size::Four => 0x20,
        }
    }

    /// The largest number that fits.
    pub const fn max(self) -> u32 {
        match self {
            Size::One => 0xFF,
            Size::Two => 0xFFFF,
            Size::Four => 0xFFFF_FFFF,
        }
    }
}

/// What follows the instruction byte.
///
/// Exhaustive: the instruction set is fixed, and a disassembler should know all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// Nothing.
    None,
    /// One unsigned byte: an offset.
    Byte,
    /// Two bytes: an offset from the globals base.
    Half,
    /// One byte: the number of a device operation or of a host function.
    Device,
    /// One byte: a register of `RG`.
    Register,
    /// As many bytes as the instruction's size: a number.
    Literal,
    /// As many bytes as the instruction's size: where to jump.
    Target,
    /// As many bytes as the instruction's size: how much inline data follows.
    Length,
    /// Nothing: the number is in the low six bits of the instruction itself.
    Small,
}

impl Operand {
    /// Bytes of the immediate, for an instruction of that size.
    pub const fn bytes(self, size: Size) -> u32 {
        match self {
            Operand::None | Operand::Small => 0,
            Operand::Byte | Operand::Device | Operand::Register => 1,
            Operand::Half => 2,
            Operand::Literal | Operand::Target | Operand::Length => size.bytes(),
        }
    }
}

/// One instruction, with all its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// Its name in the text form.
    pub name: &'static str,
    /// Its byte, in its smallest size.
    pub base: u8,
    /// Whether it comes in three sizes.
    pub sized: bool,
    /// What follows the byte.
    pub operand: Operand,
    /// What it does to the working stack: `{before -> after}`, top at the right.
    pub effect: &'static str,
}

/// Writes the constants of [`opcode`] and the rows of [`OPS`] from one list. A sized instruction
/// names the constants of its three sizes in brackets.
macro_rules! ops {
    ($($name:ident $([$one:ident $two:ident $four:ident])? = $base:literal, $operand:ident, $effect:literal;)*) => {
        /// The instruction bytes by name; those of sized instructions end in `_1`, `_2`, `_4`.
        #[allow(missing_docs, reason = "OPS says what each one does")]
        pub mod opcode {
            $(ops!(@constants $name $base $($one $two $four)?);)*
        }
        /// Every instruction in the order of its byte.
        pub const OPS: &[Op] = &[$(Op {
            name: stringify!($name),
            base: $base,
            sized: ops!(@sized $($one)?),
            operand: Operand::$operand,
            effect: $effect,
        }),*];
    };
    (@constants $name:ident $base:literal) => { pub const $name: u8 = $base; };
    (@constants $name:ident $base:literal $one:ident $two:ident $four:ident) => {
        pub const $one: u8 = $base;
        pub const $two: u8 = $base + 0x10;
        pub const $four: u8 = $base + 0x20;
    };
    (@sized) => { false };
    (@sized $one:ident) => { true };
}

ops! {
    NOP = 0x00, None, "{}";
    RETZ = 0x01, None, "{v} return if v==0";
    RET = 0x02, None, "{} return";
    YLD = 0x03, None, "{} yield";
    SWP = 0x04, None, "{l r -> r l}";
    DRP = 0x05, None, "{l}";
    OVR = 0x06, None, "{l r -> l r l}";
    DUP = 0x07, None, "{l -> l l}";
    DUPN = 0x08, None, "{l -> l l==0}";
    DV = 0x09, Device, "device operation";
    RG = 0x0A, Register, "{-> register}";
    LR = 0x0B, Byte, "{-> LS_SP+x}";
    GR = 0x0C, Half, "{-> gb+x}";
    INC = 0x10, None, "{l -> l+1}";
    INC2 = 0x11, None, "{l -> l+2}";
    INC4 = 0x12, None, "{l -> l+4}";
    DEC = 0x13, None, "{l -> l-1}";
    INV = 0x14, None, "{l -> !l} bit by bit";
    NEG = 0x15, None, "{l -> -l}";
    NOT = 0x16, None, "{l -> l==0}";
    CI1 = 0x17, None, "{l -> l} sign-extended from 8 bits";
    CI2 = 0x18, None, "{l -> l} sign-extended from 16 bits";
    ADD = 0x20, None, "{l r -> l+r}";
    SUB = 0x21, None, "{l r -> l-r}";
    MOD = 0x22, None, "{l r -> l%r} unsigned";
    SHL = 0x23, None, "{l r -> l<<r}";
    SHR = 0x24, None, "{l r -> l>>r}";
    MSK = 0x25, None, "{l r -> l&r}";
    JN = 0x26, None, "{l r -> l|r}";
    XOR = 0x27, None, "{l r -> l^r}";
    AND = 0x28, None, "{l r -> l&&r}";
    OR = 0x29, None, "{l r -> l||r}";
    EQ = 0x2A, None, "{l r -> l==r}";
    NEQ = 0x2B, None, "{l r -> l!=r}";
    GE_U = 0x2C, None, "{l r -> l>=r} unsigned";
    LT_U = 0x2D, None, "{l r -> l<r} unsigned";
    GE_S = 0x2E, None, "{l r -> l>=r} signed";
    LT_S = 0x2F, None, "{l r -> l<r} signed";
    MUL = 0x30, None, "{l r -> l*r}";
    DIV_U = 0x31, None, "{l r -> l/r} unsigned";
    DIV_S = 0x32, None, "{l r -> l/r} signed";
    FT [FT_1 FT_2 FT_4] = 0x40, None, "{a -> mem[a]}";
    FTBE [FTBE_1 FTBE_2 FTBE_4] = 0x41, None, "{a -> mem[a]} big-endian";
    FTO [FTO_1 FTO_2 FTO_4] = 0x42, Byte, "{a -> mem[a+x]}";
    FTLL [FTLL_1 FTLL_2 FTLL_4] = 0x43, Byte, "{-> mem[LS_SP+x]}";
    FTGL [FTGL_1 FTGL_2 FTGL_4] = 0x44, Half, "{-> mem[gb+x]}";
    SR [SR_1 SR_2 SR_4] = 0x45, None, "{v a} mem[a]=v";
    SRBE [SRBE_1 SRBE_2 SRBE_4] = 0x46, None, "{v a} mem[a]=v big-endian";
    SRO [SRO_1 SRO_2 SRO_4] = 0x47, Byte, "{v a} mem[a+x]=v";
    SRLL [SRLL_1 SRLL_2 SRLL_4] = 0x48, Byte, "{v} mem[LS_SP+x]=v";
    SRGL [SRGL_1 SRGL_2 SRGL_4] = 0x49, Half, "{v} mem[gb+x]=v";
    LIT [LIT_1 LIT_2 LIT_4] = 0x4A, Literal, "{-> x}";
    JMPW = 0x80, None, "{a} jump to a";
    JMPL [JMPL_1 JMPL_2 JMPL_4] = 0x81, Target, "{} jump";
    JZL [JZL_1 JZL_2 JZL_4] = 0x82, Target, "{v} jump if v==0";
    XLL [XLL_1 XLL_2 XLL_4] = 0x84, Target, "{} call large";
    XSL [XSL_1 XSL_2 XSL_4] = 0x85, Target, "{} call small";
    SLC [SLC_1 SLC_2 SLC_4] = 0x86, Length, "{-> addr len} skip len bytes";
    XSW = 0x90, None, "{a} call small a";
    XLW = 0xA0, None, "{a} call large a";
    SLIT = 0xC0, Small, "{-> x}";
}

/// The instruction that a byte stands for, and its size ([`Size::One`] where it has none).
///
/// None for the bytes that panic with `E_cInstr`. Linear in the number of instructions.
pub fn decode(byte: u8) -> Option<(&'static Op, Size)> {
    OPS.iter().find_map(|op| {
        if op.operand == Operand::Small {
            (byte >= op.base).then_some((op, Size::One))
        } else if op.sized {
            let size = Size::ALL
                .into_iter()
                .find(|size| op.base + size.bits() == byte)?;
            Some((op, size))
        } else {
            (op.base == byte).then_some((op, Size::One))
        }
    })
}

/// Bytes of the immediate by instruction byte; None for the bytes that are no instruction.
pub(crate) static IMMEDIATE_BYTES: [Option<u8>; 256] = {
    let mut table = [None; 256];
    let mut row = 0;
    while row < OPS.len() {
        let op = &OPS[row];
        let mut index = 0;
        while index < Size::ALL.len() {
            let size = Size::ALL[index];
            if op.sized || index == 0 {
                table[(op.base + size.bits()) as usize] = Some(op.operand.bytes(size) as u8);
            }
            index += 1;
        }
        if matches!(op.operand, Operand::Small) {
            let mut byte = op.base as usize;
            while byte < table.len() {
                table[byte] = Some(0);
                byte += 1;
            }
        }
        row += 1;
    }
    table
};

/// The device operations of the VM itself: number, name in the text form, effect.
pub const DEVICES: &[(u8, &str, &str)] = &[
    (
        device::CATCH,
        "catch",
        "{a} call small a; its panics end here",
    ),
    (device::MEMSET, "memset", "{dst v len}"),
    (device::MEMCMP, "memcmp", "{a b len -> -1|0|1}"),
    (device::MEMMOVE, "memmove", "{dst src len}"),
    (
        device::ROLE,
        "role",
        "{method &data &methods -> &data} call large mem[&methods+4*method]",
    ),
    (device::ASSERT, "assert", "{l r err} panic err if l!=r"),
    (device::LS_SET, "ls_set", "{ls_sp} set LS_SP"),
    (device::ERR, "err", "{-> err}"),
    (device::ERR_SET, "err_set", "{err}"),
];

/// The numbers of the device operations.
#[allow(missing_docs, reason = "DEVICES says what each one does")]
pub mod device {
    pub const CATCH: u8 = 0x01;
    pub const MEMSET: u8 = 0x02;
    pub const MEMCMP: u8 = 0x03;
    pub const MEMMOVE: u8 = 0x04;
    pub const ROLE: u8 = 0x06;
    pub const ASSERT: u8 = 0x0A;
    pub const LS_SET: u8 = 0x10;
    pub const ERR: u8 = 0x11;
    pub const ERR_SET: u8 = 0x12;
    /// The first number of a host function.
    pub const HOST_FIRST: u8 = 0x40;
    /// The last number of a host function.
    pub const HOST_LAST: u8 = 0x7F;
}

/// Registers of `RG`: the address after the instruction.
pub const REGISTER_EP: u8 = 0x00;
/// Registers of `RG`: the globals base.
pub const REGISTER_GB: u8 = 0x01;
/// Registers of `RG`: from here on, `LS_SP` plus the low seven bits.
pub const REGISTER_LS: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_decodes_to_the_operation_whose_range_holds_it() {
        let valid = (0..=0xFF).filter(|&byte| decode(byte).is_some()).count();
        // 13 stack and register operations, 9 of one operand, 19 of two, 11*3 on memory,
        // 3 calls and jumps to a popped address, 5*3 with a literal, 64 small literals.
        assert_eq!(valid, 13 + 9 + 19 + 33 + 3 + 15 + 64);
        for byte in [
            0x0D, 0x19, 0x33, 0x3F, 0x4B, 0x70, 0x7A, 0x83, 0x87, 0xB0, 0xB1, 0xBF,
        ] {
            assert_eq!(decode(byte), None, "{byte:02X}");
        }
        for byte in 0..=0xFF {
            let bytes = decode(byte).map(|(op, size)| op.operand.bytes(size) as u8);
            assert_eq!(IMMEDIATE_BYTES[usize::from(byte)], bytes, "{byte:02X}");
        }
        let (op, size) = decode(0x95).unwrap();
        assert_eq!((op.name, size), ("XSL", Size::Two));
        let (op, size) = decode(0x6A).unwrap();
        assert_eq!((op.name, size), ("LIT", Size::Four));
    }

    #[test]
    fn the_list_is_in_order_and_has_no_name_twice() {
        assert!(OPS.windows(2).all(|pair| pair[0].base < pair[1].base));
        for (index, op) in OPS.iter().enumerate() {
            assert!(
                OPS[index + 1..].iter().all(|other| other.name != op.name),
                "{}",
                op.name
            );
        }
    }
}
