//! Coroutines of many types, as one.

use crate::container::Container;
use crate::interpret::{self, AnyHandle};
use crate::stacks::{Dyn, Place, Pooled, Watched};
use crate::stage::{INPUT, Outcome, RETURNED, fail};
use crate::values::{
    Body, Byte, Cargo, Huge, Large, Line, Page, Text, Three, Value, Void, VoidLine, Word, Words,
};
use coro::{
    Coroutine, CoroutineState, Iter, ResumeError, Scope, ScopedCoroutine, Status, SuspendHandle,
};
use std::any::Any;
use std::marker::PhantomData;

/// A coroutine of any type.
pub(crate) trait Life {
    /// Resumes it, and fails unless it brings what it should. Panics as the coroutine does.
    fn resume(&mut self, input: u32, outcome: Outcome);
    /// Whether it stands there in its life.
    fn is(&mut self, status: Status) -> bool;
    /// Runs it in the place of the coroutine of that handle.
    fn delegate(&mut self, handle: &dyn Any, input: u32);
    /// Moves it to another collection.
    fn rehouse(&mut self, _: u32) {}
    /// Moves it to where another one is, and that one here, if they have the same type.
    fn exchange(&mut self, _: &mut dyn Life) {}
    fn any(&mut self) -> Option<&mut dyn Any> {
        None
    }
    /// Takes its stack for another coroutine, if it is complete.
    fn recycle(self: Box<Self>, _: Option<(usize, u32)>) -> Box<dyn Life> {
        fail("a coroutine that has no stack to give");
    }
}

/// The kinds and properties of a recipe, for the model.
pub(crate) struct Recipe {
    pub(crate) captured: usize,
    pub(crate) input: Option<usize>,
    /// On a stack that is counted.
    pub(crate) counted_stack: bool,
    /// An iterator: its stack cannot be taken, and nothing delegates to it.
    pub(crate) iterator: bool,
    /// Created by the program itself only, and on its own stack: the copies of a debug build take much room.
    pub(crate) roomy: bool,
}

const fn needs_room(captured: usize) -> bool {
    captured == <Huge as Body>::KIND || captured == <Page as Body>::KIND
}

macro_rules! recipes {
    ($($number:literal: $captured:ident, $input:ident -> $yields:ident -> $returns:ident on $stack:ident;)*) => {
        /// What can be created. The iterator is the last.
        pub(crate) const RECIPES: &[Recipe] = &[
            $(Recipe {
                captured: <$captured as Body>::KIND,
                input: <Value<$input> as Cargo>::KIND,
                counted_stack: <$stack as Place>::COUNTED,
                iterator: false,
                roomy: needs_room(<$captured as Body>::KIND),
            },)*
            Recipe {
                captured: <Text as Body>::KIND,
                input: None,
                counted_stack: false,
                iterator: true,
                roomy: false,
            },
        ];

        /// A coroutine of a recipe, with its number, and the tag of what it captures.
        pub(crate) fn create(recipe: usize, id: usize, tag: u32) -> Box<dyn Life> {
            match recipe {
                $($number => {
                    type Made = Plain<
                        Value<$captured>, Value<$input>, Value<$yields>, Value<$returns>, $stack,
                    >;
                    Made::boxed(id, tag)
                })*
                _ => Box::new(Items::<Value<Text>, Value<Three>>::new(id, tag)),
            }
        }

        /// One that borrows.
        pub(crate) fn create_scoped<'scope>(
            s: &'scope Scope<'scope, '_>,
            borrowed: Borrowed<'scope>,
            recipe: usize,
            id: usize,
            tag: u32,
        ) -> Box<dyn Life + 'scope> {
            match recipe {
                $($number => {
                    type Made<'a> = Scoped<'a, Value<$input>, Value<$yields>, Value<$returns>>;
                    Made::boxed::<Value<$captured>>(s, borrowed, id, tag)
                })*
                _ => fail("no iterator is created in a scope"),
            }
        }
    };
}

recipes! {
    0: Word, Word -> Word -> Word on Pooled;
    1: Void, Void -> Void -> Void on Pooled;
    2: Three, Byte -> Three -> VoidLine on Pooled;
    3: Large, Words -> Byte -> Line on Watched;
    4: Line, Line -> Page -> Byte on Watched;
    5: Byte, Page -> Text -> Words on Dyn;
    6: Words, Large -> Byte -> Large on Pooled;
    7: Text, Text -> Large -> Page on Dyn;
    8: Huge, Three -> Word -> Text on Pooled;
    9: Page, VoidLine -> Line -> Three on Watched;
}

/// What a scoped coroutine borrows.
#[derive(Clone, Copy)]
pub(crate) struct Borrowed<'a> {
    pub(crate) value: &'a Value<Words>,
    pub(crate) tag: u32,
    /// The handle of the coroutine around it.
    pub(crate) outer: Option<&'a dyn AnyHandle>,
}

/// Compares what a resume has brought with what it should.
#[inline(never)]
fn arrived<I: Cargo, Y: Cargo, R: Cargo>(
    result: Result<CoroutineState<Y, R>, ResumeError<I>>,
    input: u32,
    outcome: Outcome,
) {
    match (result, outcome) {
        (Ok(CoroutineState::Yielded(value)), Outcome::Yielded(tag)) => value.check(tag, "yielded"),
        (Ok(CoroutineState::Complete(value)), Outcome::Complete(tag)) => {
            value.check(tag, "returned")
        }
        (Err(error), Outcome::Refused) => error.into_input().check(input, "refused"),
        (Ok(CoroutineState::Yielded(_)), _) => {
            fail(&format!("a value was yielded, not {outcome:?}"))
        }
        (Ok(CoroutineState::Complete(_)), _) => {
            fail(&format!("a value was returned, not {outcome:?}"))
        }
        (Err(_), _) => fail(&format!("a resume was refused, not {outcome:?}")),
    }
}

/// An ordinary coroutine.
struct Plain<C, I, Y, R, P: Place> {
    container: Container<Coroutine<I, Y, R, P::Stack>>,
    captured: PhantomData<C>,
}

impl<C: Cargo, I: Cargo, Y: Cargo, R: Cargo, P: Place> Plain<C, I, Y, R, P> {
    /// A function of its own for each type: the temporary copies of a debug build would add up in one of all types.
    #[inline(never)]
    fn boxed(id: usize, tag: u32) -> Box<dyn Life> {
        Box::new(Self::with_stack(P::stack(), id, tag))
    }

    #[inline(never)]
    fn with_stack(stack: P::Stack, id: usize, tag: u32) -> Self {
        let body = interpret::body::<C, I, Y, R>(id, tag);
        let coroutine = match id % 3 {
            0 => Coroutine::with_stack(stack, body),
            1 => Coroutine::try_with_stack(stack, body).expect("the stack is large enough"),
            _ => {
                // A tracked one suspends by another way, and is otherwise the same.
                let builder = Coroutine::builder()
                    .name(format!("number {id}"))
                    .tracked(tag % 4 < 2);
                builder
                    .stack(stack)
                    .build(body)
                    .expect("the stack is large enough")
            }
        };
        Plain {
            container: Container::Open(coroutine),
            captured: PhantomData,
        }
    }
}

impl<C: Cargo, I: Cargo, Y: Cargo, R: Cargo, P: Place> Life for Plain<C, I, Y, R, P> {
    #[inline(never)]
    fn resume(&mut self, input: u32, outcome: Outcome) {
        INPUT.set(input);
        let result = self.container.get().try_resume(I::make(input));
        arrived(result, input, outcome);
    }

    fn is(&mut self, status: Status) -> bool {
        self.container.get().status() == status
    }

    #[inline(never)]
    fn delegate(&mut self, handle: &dyn Any, input: u32) {
        delegate::<I, Y, R>(self.container.get(), handle, input);
    }

    fn rehouse(&mut self, way: u32) {
        self.container.change(way);
    }

    fn exchange(&mut self, other: &mut dyn Life) {
        match other.any().and_then(|other| other.downcast_mut::<Self>()) {
            Some(other) => std::mem::swap(self.container.get(), other.container.get()),
            None => fail("two coroutines of one recipe have two types"),
        }
    }

    fn any(&mut self) -> Option<&mut dyn Any> {
        Some(self)
    }

    fn recycle(mut self: Box<Self>, new: Option<(usize, u32)>) -> Box<dyn Life> {
        match (self.container.take().into_stack(), new) {
            (Ok(stack), Some((id, tag))) => Box::new(Self::with_stack(stack, id, tag)),
            (Err(coroutine), None) => {
                self.container = Container::Open(coroutine);
                self
            }
            (Ok(_), None) => fail("a coroutine that is not complete gave its stack away"),
            (Err(_), Some(_)) => fail("a complete coroutine kept its stack"),
        }
    }
}

/// One that is an iterator.
struct Items<C, Y> {
    items: Iter<Y>,
    captured: PhantomData<C>,
}

impl<C: Cargo, Y: Cargo> Items<C, Y> {
    fn new(id: usize, tag: u32) -> Self {
        let body = interpret::body::<C, (), Y, ()>(id, tag);
        Items {
            items: coro::iter(move |handle: &SuspendHandle<(), Y>| body(handle, ())),
            captured: PhantomData,
        }
    }
}

impl<C: Cargo, Y: Cargo> Life for Items<C, Y> {
    fn resume(&mut self, _: u32, outcome: Outcome) {
        match (self.items.next(), outcome) {
            (Some(item), Outcome::Yielded(tag)) => item.check(tag, "an item"),
            (None, Outcome::Complete(_) | Outcome::Refused) => {}
            (item, _) => fail(&format!("an item: {}, not {outcome:?}", item.is_some())),
        }
    }

    fn is(&mut self, status: Status) -> bool {
        let most = (status == Status::Complete).then_some(0);
        self.items.size_hint() == (0, most)
    }

    fn delegate(&mut self, _: &dyn Any, _: u32) {
        fail("nothing delegates to an iterator");
    }

    fn exchange(&mut self, other: &mut dyn Life) {
        match other.any().and_then(|other| other.downcast_mut::<Self>()) {
            Some(other) => std::mem::swap(self, other),
            None => fail("two iterators have two types"),
        }
    }

    fn any(&mut self) -> Option<&mut dyn Any> {
        Some(self)
    }
}

/// One that borrows.
struct Scoped<'scope, I, Y, R> {
    coroutine: ScopedCoroutine<'scope, I, Y, R>,
}

impl<'scope, I: Cargo, Y: Cargo, R: Cargo> Scoped<'scope, I, Y, R> {
    #[inline(never)]
    fn boxed<C: Cargo>(
        s: &'scope Scope<'scope, '_>,
        borrowed: Borrowed<'scope>,
        id: usize,
        tag: u32,
    ) -> Box<dyn Life + 'scope> {
        Box::new(Scoped {
            coroutine: interpret::scoped::<C, I, Y, R>(s, borrowed, id, tag),
        })
    }
}

impl<I: Cargo, Y: Cargo, R: Cargo> Life for Scoped<'_, I, Y, R> {
    #[inline(never)]
    fn resume(&mut self, input: u32, outcome: Outcome) {
        INPUT.set(input);
        let result = self.coroutine.try_resume(I::make(input));
        arrived(result, input, outcome);
    }

    fn is(&mut self, status: Status) -> bool {
        self.coroutine.status() == status
    }

    #[inline(never)]
    fn delegate(&mut self, handle: &dyn Any, input: u32) {
        delegate::<I, Y, R>(&mut self.coroutine, handle, input);
    }
}

fn delegate<I: Cargo, Y: Cargo, R: Cargo>(
    inner: &mut impl coro::Resume<I, Yield = Y, Return = R>,
    handle: &dyn Any,
    input: u32,
) {
    let Some(handle) = handle.downcast_ref::<SuspendHandle<I, Y>>() else {
        fail("two coroutines of one recipe have handles of two types");
    };
    INPUT.set(input);
    handle
        .delegate(inner, I::make(input))
        .check(RETURNED.get(), "delegated");
}
