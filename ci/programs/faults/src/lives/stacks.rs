//! Stacks, without coroutines.

use std::error::Error;

use sure_stack::{
    ArenaConfig, GuardedMmapStack, Guards, LARGEST_POOLED_SIZE, PoolConfig, PooledStack, Reclaim,
    Stack, StackArena, overflow,
};

/// Writes to the lowest and to the highest byte.
fn touch(stack: &impl Stack) {
    for address in [
        stack.limit().as_ptr(),
        stack.base().as_ptr().wrapping_sub(1),
    ] {
        // SAFETY: bytes of a stack on which nothing runs.
        unsafe { address.write_volatile(0x5A) };
    }
}

/// More than a first reservation holds.
const MANY: usize = 20;

fn use_arena(arena: &StackArena) -> Result<(), Box<dyn Error + Send + Sync>> {
    let stacks = (0..MANY).map(|_| arena.allocate());
    let stacks = stacks.collect::<Result<Vec<_>, _>>()?;
    stacks.iter().for_each(touch);
    assert_eq!(arena.statistics().live, MANY);
    drop(stacks);
    arena.trim();
    let statistics = arena.statistics();
    assert_eq!(
        (statistics.live, statistics.kept, statistics.used),
        (0, 0, 0)
    );
    assert_eq!(statistics.reserved_bytes, 0);
    let last = arena.allocate()?;
    drop(arena.clone());
    touch(&last);
    Ok(())
}

pub fn arena() -> Result<(), Box<dyn Error + Send + Sync>> {
    use_arena(&ArenaConfig::new().stack_size(8192).keep(3).build()?)
}

pub fn protected() -> Result<(), Box<dyn Error + Send + Sync>> {
    let config = ArenaConfig::new().stack_size(8192).guards(Guards::Mprotect);
    use_arena(&config.reclaim(Reclaim::Lazily).build()?)
}

pub fn mapped() -> Result<(), Box<dyn Error + Send + Sync>> {
    let stacks = [
        GuardedMmapStack::allocate_at_least(1)?,
        GuardedMmapStack::allocate_at_least(100_000)?,
    ];
    stacks.iter().for_each(touch);
    assert!(stacks[1].size() >= 100_000);
    touch(&PooledStack::allocate_at_least(LARGEST_POOLED_SIZE + 1)?);
    Ok(())
}

fn use_pool() -> Result<(), Box<dyn Error + Send + Sync>> {
    for bytes in [1, 100_000, 256 << 10] {
        let stacks = (0..4).map(|_| PooledStack::allocate_at_least(bytes));
        let stacks = stacks.collect::<Result<Vec<_>, _>>()?;
        stacks.iter().for_each(touch);
        assert!(stacks.iter().all(|stack| stack.size() >= bytes));
    }
    Ok(())
}

pub fn pool() -> Result<(), Box<dyn Error + Send + Sync>> {
    PooledStack::configure(PoolConfig::new().kept_bytes(600 << 10));
    use_pool()?;
    PooledStack::trim();
    assert_eq!(PooledStack::kept(), 0);
    use_pool()
    // What is kept goes back when the thread ends.
}

pub fn measured() -> Result<(), Box<dyn Error + Send + Sync>> {
    PooledStack::configure(PoolConfig::new().kept_stacks(2).measure(true));
    use_pool()?;
    use_pool()?;
    std::hint::black_box(PooledStack::usage());
    Ok(())
}

pub fn overflow() -> Result<(), Box<dyn Error + Send + Sync>> {
    overflow::install()?;
    overflow::protect_thread()?;
    let stack = GuardedMmapStack::allocate_at_least(1)?;
    // False where there is no memory for the name: then the message does without.
    overflow::set_name(&stack, "a name");
    overflow::label(&stack, "another name", "some advice");
    assert!(sure_stack::stack_at(stack.limit().as_ptr()).is_some());
    Ok(())
}
