//! Which acts are possible, and with whom.

use super::{HELD, LENT, MOST_CALLS, MOST_OWNED, Model, PAGE, Place};
use crate::life::RECIPES;
use crate::program::Act;
use crate::stage::Call;
use coro::Status;

/// An act, once it is known to be possible, and with whom.
#[derive(Clone, Copy)]
pub(super) enum Plan {
    Nothing,
    Create(usize),
    CreateScoped(usize),
    Enter(Call),
    Leave,
    Finish,
    Panic(bool),
    Drop(Place),
    Forget(Place),
    SetAside(Place),
    Swap(Place, usize),
    Rehouse(Place),
    GiveUp(Place),
    GiveDown(Place),
    Delegate(Place, usize),
    Recycle(Place, usize),
    Refused(Place),
    Elsewhere(bool),
    OnStack(Option<Place>),
}

impl Model {
    pub(super) fn plan(&mut self, act: Act, path: &[usize]) -> Option<Plan> {
        let who = path[path.len() - 1];
        let coroutine = who != 0;
        let owned = self.owned(who);
        let calls = self.coroutines[who].frames.len();
        let room = owned.len() < MOST_OWNED;
        Some(match act {
            Act::Touch | Act::Keep => {
                if !coroutine {
                    return None;
                }
                Plan::Nothing
            }
            Act::Create => Plan::Create(self.recipe(who, false).filter(|_| room)?),
            Act::CreateScoped => {
                let top = self.coroutines[who].frames.last()?;
                if top.call != Call::Scope || !room {
                    return None;
                }
                Plan::CreateScoped(self.recipe(who, true)?)
            }
            Act::Hold | Act::Catch | Act::Swallow | Act::Scope | Act::ResumingDestructor => {
                if calls >= MOST_CALLS {
                    return None;
                }
                Plan::Enter(match act {
                    Act::Hold => self.hold(who),
                    Act::Catch => Call::Catch,
                    Act::Swallow => Call::Swallow,
                    Act::Scope => Call::Scope,
                    _ => Call::ResumingDestructor,
                })
            }
            Act::Leave => (calls > 1).then_some(Plan::Leave)?,
            Act::Finish => coroutine.then_some(Plan::Finish)?,
            Act::Panic | Act::LoudPanic => {
                if !coroutine && !self.catches(0) {
                    return None;
                }
                Plan::Panic(act == Act::LoudPanic)
            }
            Act::Drop => Plan::Drop(self.pick(&owned, |_, _| true)?.0),
            Act::Forget => Plan::Forget(self.pick(&owned, |_, _| true)?.0),
            Act::SetAside => Plan::SetAside(self.pick(&owned, |place, _| !place.scoped)?.0),
            Act::Swap => {
                let (place, _) = self.pick(&owned, |_, _| true)?;
                let len = self.list(who, place).len();
                let later = len - 1 - place.index;
                if later == 0 {
                    return None;
                }
                Plan::Swap(place, place.index + 1 + self.choose(later))
            }
            Act::Rehouse => Plan::Rehouse(self.pick(&owned, |place, _| !place.scoped)?.0),
            Act::GiveUp => {
                // A resumer that delegates is in no place to take anything.
                let above = *path.len().checked_sub(2).map(|at| &path[at])?;
                if self.coroutines[above].delegate.is_some() {
                    return None;
                }
                Plan::GiveUp(self.pick(&owned, |place, _| !place.scoped)?.0)
            }
            Act::GiveDown => {
                let above = *path.len().checked_sub(2).map(|at| &path[at])?;
                if self.coroutines[above].delegate.is_some() || !room {
                    return None;
                }
                let theirs = self.owned(above);
                Plan::GiveDown(
                    self.pick(&theirs, |place, id| !place.scoped && id != who)?
                        .0,
                )
            }
            Act::Delegate => {
                let recipe = self.coroutines[who].recipe;
                if !coroutine || RECIPES[recipe].iterator {
                    return None;
                }
                let fits: Vec<_> = owned
                    .into_iter()
                    .filter(|&(_, id)| {
                        let coroutine = &self.coroutines[id];
                        coroutine.recipe == recipe && coroutine.status != Status::Complete
                    })
                    .collect();
                let (place, id) = self.pick(&fits, |_, _| true)?;
                Plan::Delegate(place, id)
            }
            Act::Recycle => {
                let (place, id) = self.pick(&owned, |place, _| !place.scoped)?;
                let recipe = &RECIPES[self.coroutines[id].recipe];
                if recipe.iterator || (recipe.roomy && coroutine) {
                    return None;
                }
                Plan::Recycle(place, id)
            }
            Act::Refused => {
                let complete: Vec<_> = owned
                    .into_iter()
                    .filter(|&(_, id)| self.coroutines[id].status == Status::Complete)
                    .collect();
                let (place, _) = self.pick(&complete, |_, _| true)?;
                Plan::Refused(place)
            }
            Act::Elsewhere => {
                let outer = self.coroutines[who].scoped && self.choose(2) == 0;
                // The handle around a coroutine of the program's own scopes is none.
                let above = path.len().checked_sub(2).map(|at| path[at]);
                if !coroutine || (outer && above == Some(0)) {
                    return None;
                }
                Plan::Elsewhere(outer)
            }
            Act::OnStack => {
                let place = self.pick(&owned, |_, _| true).map(|(place, _)| place);
                Plan::OnStack(place.map(|place| Place {
                    up: place.up + 1,
                    ..place
                }))
            }
        })
    }

    /// A call that holds a value; one of a whole page at most, because that takes several pages in a debug build.
    pub(super) fn hold(&mut self, who: usize) -> Call {
        let call = Call::Hold(self.choose(HELD));
        let frames = &self.coroutines[who].frames;
        let again = call == Call::Hold(PAGE) && frames.iter().any(|frame| frame.call == call);
        if again { Call::Hold(LENT) } else { call }
    }

    /// What to create; often the same as its creator, so that the creator can delegate to it.
    pub(super) fn recipe(&mut self, who: usize, scoped: bool) -> Option<usize> {
        let own = self.coroutines[who].recipe;
        let drawn = self.choose(2 * RECIPES.len());
        let recipe = match drawn.checked_sub(RECIPES.len()) {
            Some(_) if who != 0 => own,
            Some(drawn) => drawn,
            None => drawn,
        };
        let known = &RECIPES[recipe];
        let possible =
            !(known.roomy && (who != 0 || self.choose(4) != 0)) && !(scoped && known.iterator);
        possible.then_some(recipe)
    }

    pub(super) fn pick(
        &mut self,
        owned: &[(Place, usize)],
        fits: impl Fn(Place, usize) -> bool,
    ) -> Option<(Place, usize)> {
        let fitting = owned.iter().filter(|&&(place, id)| fits(place, id));
        let fitting: Vec<_> = fitting.copied().collect();
        let chosen = self.choose(fitting.len());
        fitting.get(chosen).copied()
    }
}
