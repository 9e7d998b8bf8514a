//! The internal form: what a decoded instruction, or several of them together, do.

/// One operation of a block, in twelve bytes.
///
/// An operation either does all that its instructions do, or leaves the block before the first of
/// them, with nothing changed: so whatever panics does so in the careful interpreter. Assertions
/// are the exception: to panic is what they are for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// A literal, an offset or a target; the variants of [`Code`] say which.
    pub(crate) x: u32,
    /// What is added to the result, where [`Code::adds`].
    pub(crate) y: u32,
    pub(crate) code: Code,
    /// Instructions of the block before this operation.
    pub(crate) before: u8,
    /// Instructions in this operation, where it can leave the block behind itself.
    pub(crate) count: u8,
    /// Bytes in this operation, where it can leave the block behind itself.
    pub(crate) len: u8,
}

impl Op {
    pub(super) const NONE: Op = Op {
        x: 0,
        y: 0,
        code: Code::Careful,
        before: 0,
        count: 0,
        len: 0,
    };
}

/// What an operation does. Names as in the instruction set, where they do one instruction's work;
/// `...To` takes `x` for the right operand. The stack effects are those of SPEC.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// Goes on in the careful interpreter, for an instruction that is not decoded.
    Careful,
    /// Goes on at `x`.
    Jump,
    /// Returns from a call that was made before the block, or ends the fiber.
    Return,
    /// Yields and goes on at `x`.
    Yield,
    /// `{a}` goes on at a.
    JumpTo,
    /// `{a}` calls a with return address `x`, a frame without and with a catch.
    CallTo,
    CatchTo,

    /// `{v}` leaves for `x` if v is 0.
    JumpIfZero,
    /// `{v -> v}` the same, after DUP.
    DupJumpIfZero,
    /// `{v}` returns if v is 0.
    ReturnIfZero,
    /// Pushes a frame with return address `x`; the block goes on in the function.
    Call,
    /// The same with `len` bytes of locals.
    CallLarge,
    /// Drops a frame that the block has pushed, and `x` bytes of locals.
    DropFrame,
    /// `{l r err}` panics, with `ep` at `x`, unless l == r.
    Assert,
    /// `{-> err}`
    Err,

    /// `{-> x}`
    Literal,
    /// `{l -> l+x}`
    AddTo,
    /// `{-> LS_SP+x}`, `{-> gb+x}`
    LocalAddress,
    GlobalAddress,
    Swap,
    Drop,
    Over,
    Dup,
    Dupn,
    Invert,
    Negate,
    Not,
    Extend1,
    Extend2,

    Add,
    Subtract,
    Modulo,
    ShiftLeft,
    ShiftRight,
    BitAnd,
    BitOr,
    Xor,
    And,
    Or,
    Equal,
    NotEqual,
    GreaterEqualU,
    LessU,
    GreaterEqualS,
    LessS,
    Multiply,
    DivideU,
    DivideS,

    /// `{l -> l op x}`. The divisions are there for an `x` that is not 0.
    ModuloTo,
    ShiftLeftTo,
    ShiftRightTo,
    BitAndTo,
    BitOrTo,
    XorTo,
    AndTo,
    OrTo,
    EqualTo,
    NotEqualTo,
    GreaterEqualUTo,
    LessUTo,
    GreaterEqualSTo,
    LessSTo,
    MultiplyTo,
    DivideUTo,
    DivideSTo,

    /// `{l -> l l op x}`: the same after DUP.
    DupAddTo,
    DupModuloTo,
    DupShiftLeftTo,
    DupShiftRightTo,
    DupBitAndTo,
    DupBitOrTo,
    DupXorTo,
    DupAndTo,
    DupOrTo,
    DupEqualTo,
    DupNotEqualTo,
    DupGreaterEqualUTo,
    DupLessUTo,
    DupGreaterEqualSTo,
    DupLessSTo,
    DupMultiplyTo,
    DupDivideUTo,
    DupDivideSTo,

    /// `{a -> mem[a+x]}`
    Load1,
    Load2,
    Load4,
    LoadBe1,
    LoadBe2,
    LoadBe4,
    /// `{-> mem[LS_SP+x]}`
    LoadLocal1,
    LoadLocal2,
    LoadLocal4,
    /// `{-> mem[gb+x]}`
    LoadGlobal1,
    LoadGlobal2,
    LoadGlobal4,
    /// `{-> mem[x]}`
    LoadAt1,
    LoadAt2,
    LoadAt4,
    /// `{v a}` stores at a+x.
    Store1,
    Store2,
    Store4,
    StoreBe1,
    StoreBe2,
    StoreBe4,
    /// `{v}` stores at LS_SP+x, gb+x, x.
    StoreLocal1,
    StoreLocal2,
    StoreLocal4,
    StoreGlobal1,
    StoreGlobal2,
    StoreGlobal4,
    StoreAt1,
    StoreAt2,
    StoreAt4,
}

impl Code {
    /// The operation with the right operand in `x`, for one with two operands on the stack. None
    /// where it has none for that operand.
    pub(super) fn to_literal(self, x: u32) -> Option<(Code, u32)> {
        use Code::*;
        Some(match self {
            Add => (AddTo, x),
            Subtract => (AddTo, x.wrapping_neg()),
            ShiftLeft => (ShiftLeftTo, x),
            ShiftRight => (ShiftRightTo, x),
            BitAnd => (BitAndTo, x),
            BitOr => (BitOrTo, x),
            Xor => (XorTo, x),
            And => (AndTo, x),
            Or => (OrTo, x),
            Equal => (EqualTo, x),
            NotEqual => (NotEqualTo, x),
            GreaterEqualU => (GreaterEqualUTo, x),
            LessU => (LessUTo, x),
            GreaterEqualS => (GreaterEqualSTo, x),
            LessS => (LessSTo, x),
            Multiply => (MultiplyTo, x),
            // A division by a literal 0 panics: that is the careful interpreter's.
            Modulo if x != 0 => (ModuloTo, x),
            DivideU if x != 0 => (DivideUTo, x),
            DivideS if x != 0 => (DivideSTo, x),
            _ => return None,
        })
    }

    /// The operation that does the same after DUP, for one with a literal.
    pub(super) fn after_dup(self) -> Option<Code> {
        use Code::*;
        Some(match self {
            AddTo => DupAddTo,
            ModuloTo => DupModuloTo,
            ShiftLeftTo => DupShiftLeftTo,
            ShiftRightTo => DupShiftRightTo,
            BitAndTo => DupBitAndTo,
            BitOrTo => DupBitOrTo,
            XorTo => DupXorTo,
            AndTo => DupAndTo,
            OrTo => DupOrTo,
            EqualTo => DupEqualTo,
            NotEqualTo => DupNotEqualTo,
            GreaterEqualUTo => DupGreaterEqualUTo,
            LessUTo => DupLessUTo,
            GreaterEqualSTo => DupGreaterEqualSTo,
            LessSTo => DupLessSTo,
            MultiplyTo => DupMultiplyTo,
            DivideUTo => DupDivideUTo,
            DivideSTo => DupDivideSTo,
            _ => return None,
        })
    }

    /// Whether the operation adds `y` to its result: a sum behind it needs none of its own.
    pub(super) fn adds(self) -> bool {
        (Code::Invert as u8..=Code::DupDivideSTo as u8).contains(&(self as u8))
    }

    /// The operation with its address in `x`, for one that pops it.
    pub(super) fn to_address(self) -> Option<Code> {
        use Code::*;
        Some(match self {
            Load1 => LoadAt1,
            Load2 => LoadAt2,
            Load4 => LoadAt4,
            Store1 => StoreAt1,
            Store2 => StoreAt2,
            Store4 => StoreAt4,
            _ => return None,
        })
    }

    /// Whether the block can be left at the operation, before or behind it, when the checks at the
    /// block's head have been passed.
    pub(super) fn can_leave(self) -> bool {
        use Code::*;
        matches!(
            self,
            JumpIfZero | DupJumpIfZero | ReturnIfZero | CallLarge | Assert
        ) || matches!(self, Modulo | DivideU | DivideS)
            || self as u8 >= Load1 as u8
            || (self as u8) <= CatchTo as u8
    }
}
