//! What the scripts work on: plain data, without any notion of scripts.

/// Where a character is, on a line.
pub(crate) type Place = i32;

pub(crate) const MINE: Place = 0;
pub(crate) const MARKET: Place = 12;
/// What one ore costs.
pub(crate) const PRICE: u64 = 3;

#[derive(Clone, Default)]
pub(crate) struct Character {
    pub(crate) place: Place,
    pub(crate) ore: u64,
    pub(crate) gold: u64,
}

pub(crate) struct World {
    pub(crate) turn: u32,
    pub(crate) characters: Vec<Character>,
    pub(crate) dug: u64,
    pub(crate) sold: u64,
    pub(crate) thefts: u64,
}

impl World {
    pub(crate) fn new(characters: usize) -> World {
        World {
            turn: 0,
            characters: vec![Character::default(); characters],
            dug: 0,
            sold: 0,
            thefts: 0,
        }
    }

    pub(crate) fn begin_turn(&mut self) {
        self.turn += 1;
    }

    /// Moves a character one step; says whether it has arrived.
    pub(crate) fn step(&mut self, who: usize, to: Place) -> bool {
        let place = &mut self.characters[who].place;
        *place += (to - *place).signum();
        *place == to
    }

    pub(crate) fn dig(&mut self, who: usize) {
        self.characters[who].ore += 1;
        self.dug += 1;
    }

    pub(crate) fn sell(&mut self, who: usize) {
        let seller = &mut self.characters[who];
        self.sold += seller.ore;
        seller.gold += PRICE * seller.ore;
        seller.ore = 0;
    }

    /// Takes a piece of gold of a neighbour at the same place, if there is one.
    pub(crate) fn steal(&mut self, thief: usize, from: usize) -> bool {
        let victim = &self.characters[from];
        if victim.place != self.characters[thief].place || victim.gold == 0 {
            return false;
        }
        self.characters[from].gold -= 1;
        self.characters[thief].gold += 1;
        self.thefts += 1;
        true
    }

    /// Nothing comes from nowhere: all ore was dug, and all gold was paid for ore.
    pub(crate) fn check(&self) -> Result<(), String> {
        let ore: u64 = self.characters.iter().map(|character| character.ore).sum();
        let gold: u64 = self.characters.iter().map(|character| character.gold).sum();
        if ore + self.sold == self.dug && gold == PRICE * self.sold {
            Ok(())
        } else {
            Err(format!("{ore} ore and {gold} gold do not add up"))
        }
    }
}
