//! What is told of coroutines that are tracked.

use coro::{Coroutine, LendingCoroutine, LendingHandle, Status, SuspendHandle, track};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

type Plain = Coroutine<(), (), ()>;

/// Whether suspended stacks are looked into: not where each is a thread of the system.
const WALKS: bool = cfg!(not(any(sure_context_portable, windows)));

fn tracked<F: FnOnce(&SuspendHandle<(), ()>, ()) + 'static>(name: &str, f: F) -> Plain {
    let builder = Coroutine::builder().name(name).tracked(true);
    builder.build(f).expect("a stack")
}

fn dump() -> String {
    let mut text = Vec::new();
    track::dump(&mut text).expect("a vector takes all");
    String::from_utf8(text).expect("a text")
}

fn only() -> track::Tracked {
    let all = track::list();
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().unwrap()
}

/// This line, from its caller's view.
#[track_caller]
fn here() -> &'static Location<'static> {
    Location::caller()
}

#[test]
fn the_list_follows_a_life() {
    assert!(track::list().is_empty());
    let mut line = 0;
    let mut coroutine = tracked("alive", move |handle, ()| {
        assert_eq!(only().status(), Status::Running);
        assert_eq!(only().suspended_at(), None);
        handle.suspend(());
        handle.suspend(());
    });
    line += here().line() - 6;
    let new = only();
    assert_eq!((new.status(), new.name()), (Status::Created, Some("alive")));
    assert_eq!((new.bytes_in_use(), new.suspended_for()), (None, None));
    assert_eq!(new.created_at().file(), file!());
    assert!(new.number() > 0);
    let later = tracked("later", |_, ()| ());
    assert_eq!(new.number(), track::list()[0].number());
    assert!(new.number() < track::list()[1].number());
    drop(later);

    // Later than tracking began.
    std::thread::sleep(Duration::from_millis(20));
    let before = Instant::now();
    coroutine.resume(());
    let age = only().suspended_for().expect("it is suspended");
    assert!(age <= before.elapsed(), "{age:?}");
    let first = only();
    assert_eq!(first.status(), Status::Suspended);
    assert_eq!(coroutine.status(), Status::Suspended);
    let place = first.suspended_at().expect("it is suspended");
    assert_eq!((place.file(), place.line()), (file!(), line + 3));
    let default = sure_stack::DEFAULT_STACK_SIZE;
    assert!(
        (default / 2..default * 2).contains(&first.stack_size()),
        "{first:?}"
    );
    std::thread::sleep(Duration::from_millis(20));
    let age = only().suspended_for().expect("it is suspended");
    assert!((20..60_000).contains(&age.as_millis()), "{age:?}");
    let text = dump();
    assert!(
        text.contains(&format!("stack {} bytes", first.stack_size())),
        "{text}"
    );
    let since = text.split("      since ").nth(1).expect("its age");
    let seconds = since.split_whitespace().next().map(str::parse::<f64>);
    assert!(matches!(seconds, Some(Ok(0.02..60.0))), "{text}");
    if WALKS {
        let bytes = first.bytes_in_use().expect("its stack pointer is known");
        assert!((100..first.high_water_mark()).contains(&bytes), "{first:?}");
    }

    coroutine.resume(());
    let place = only().suspended_at().expect("it is suspended");
    assert_eq!((place.file(), place.line()), (file!(), line + 4));
    coroutine.resume(());
    assert_eq!(only().status(), Status::Complete);
    drop(coroutine);
    assert!(track::list().is_empty());
}

#[test]
fn a_dump_groups_by_place() {
    #[inline(never)]
    fn stuck_first(handle: &SuspendHandle<(), ()>) {
        handle.suspend(());
        // Not a call in the end, of which no frame would be left.
        std::hint::black_box(());
    }
    #[inline(never)]
    fn stuck_second(handle: &SuspendHandle<(), ()>) {
        handle.suspend(());
        // Not a call in the end, of which no frame would be left.
        std::hint::black_box(());
    }
    /// The same place, by two ways: their backtraces differ.
    #[inline(never)]
    fn stuck_around(handle: &SuspendHandle<(), ()>) {
        stuck_first(handle);
        std::hint::black_box(());
    }
    let mut all: Vec<_> = (0..60)
        .map(|n| {
            tracked(&format!("c{n}"), move |handle, ()| match n % 6 {
                0 => stuck_second(handle),
                1 | 2 => stuck_around(handle),
                _ => stuck_first(handle),
            })
        })
        .collect();
    all.iter_mut()
        .for_each(|coroutine| _ = coroutine.resume(()));
    let text = dump();
    let groups: Vec<_> = text
        .lines()
        .filter(|line| line.contains(" suspended at "))
        .collect();
    if WALKS && !cfg!(target_arch = "arm") {
        let counts: Vec<_> = groups
            .iter()
            .map(|line| line.trim().split(' ').next())
            .collect();
        assert_eq!(counts, [Some("30"), Some("20"), Some("10")], "{text}");
        // The path before a name is not everywhere known.
        for (function, times) in [("first", 2), ("second", 1), ("around", 1)] {
            let shown = text.matches(&format!("stuck_{function}")).count();
            assert_eq!(shown, times, "{text}");
        }
    } else {
        assert_eq!(groups.len(), 2, "{text}");
    }
    assert!(
        text.contains("named `c3`, `c4`, `c5`, and 27 more") || !WALKS || cfg!(target_arch = "arm"),
        "{text}"
    );
}

#[test]
fn values_and_panics_cross_as_ever() {
    let builder = || Coroutine::builder().tracked(true);
    let mut echo = builder()
        .build(|handle, mut text: String| {
            while text != "end" {
                text = handle.suspend(text);
            }
            text + "!"
        })
        .unwrap();
    for text in ["one", "two"] {
        assert_eq!(echo.resume(text.into()).yielded().as_deref(), Some(text));
    }
    assert_eq!(
        echo.resume("end".into()).complete().as_deref(),
        Some("end!")
    );
    assert!(echo.try_resume("late".into()).is_err());

    let mut large = builder()
        .build(|handle, n: [u64; 32]| handle.suspend(n))
        .unwrap();
    let values = std::array::from_fn(|n| n as u64);
    assert_eq!(large.resume(values).yielded(), Some(values));
    assert_eq!(large.resume([1; 32]).complete(), Some([1; 32]));

    let mut fails = tracked("fails", |handle, ()| {
        handle.suspend(());
        panic!("on purpose");
    });
    fails.resume(());
    let payload = catch_unwind(AssertUnwindSafe(|| fails.resume(()))).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"on purpose"));
    assert_eq!(fails.status(), Status::Complete);
}

#[test]
fn it_is_unwound_abandoned_and_released_as_ever() {
    #[inline(never)]
    fn waits_again(handle: &SuspendHandle<(), ()>) {
        handle.suspend(());
        // Not a call in the end, of which no frame would be left.
        std::hint::black_box(());
    }
    let drops = testing::Drops::new();
    let counted = drops.make();
    let waits = move |handle: &SuspendHandle<(), ()>, ()| {
        let _local = counted;
        assert!(handle.try_suspend(()).is_err(), "it is dropped");
        assert!(handle.try_suspend(()).is_err(), "it is being dropped");
    };
    let mut coroutine = tracked("dropped", waits);
    coroutine.resume(());
    drop(coroutine);
    assert_eq!((drops.alive(), drops.dropped()), (0, 1));

    let mut grown = tracked("grown", |handle, ()| {
        coro::grow(64 << 10, || handle.suspend(()));
        waits_again(handle);
    });
    grown.resume(());
    assert_eq!(only().bytes_in_use(), None);
    grown.resume(());
    grown.release_unused();
    if WALKS {
        let trace = grown.backtrace().expect("it is suspended").to_string();
        assert!(trace.contains("waits_again"), "{trace}");
    }
    // SAFETY: nothing refers to its stack.
    drop(unsafe { grown.abandon() });
    assert!(track::list().is_empty());
}

#[test]
fn another_stack_is_refused() {
    let mut outer = tracked("outer", |outside, ()| {
        coro::scope(|scope| {
            let mut smuggled = scope.coroutine(|_: &SuspendHandle<(), ()>, ()| {
                let refused = catch_unwind(AssertUnwindSafe(|| outside.suspend(())));
                let text = *refused.unwrap_err().downcast::<String>().unwrap();
                assert!(text.contains("coroutine `outer`, created at "), "{text}");
                assert!(text.contains(file!()), "{text}");
            });
            smuggled.resume(());
        });
        outside.suspend(());
    });
    outer.resume(());
    assert_eq!(only().status(), Status::Suspended);
}

#[test]
fn lending_and_scopes() {
    let mut lending = Coroutine::builder()
        .tracked(true)
        .build_lending(|handle: &LendingHandle<u32, ()>| {
            handle.with(|n| *n += 1);
            handle.suspend(());
            handle.with(|n| *n += 10);
        })
        .unwrap();
    let mut number = 0;
    let _: &mut LendingCoroutine<u32, (), ()> = &mut lending;
    lending.resume(&mut number);
    assert_eq!(only().suspended_at().map(Location::file), Some(file!()));
    lending.resume(&mut number);
    assert_eq!(number, 11);
    drop(lending);
    coro::scope(|scope| {
        let builder = Coroutine::builder().tracked(true);
        let mut scoped = builder
            .build_scoped(scope, |handle: &SuspendHandle<(), u8>, ()| {
                handle.suspend(number as u8)
            })
            .unwrap();
        assert_eq!(scoped.resume(()).yielded(), Some(11));
        assert_eq!(only().status(), Status::Suspended);
    });
    assert!(track::list().is_empty());
}

#[cfg(feature = "async")]
#[test]
fn what_a_future_waits_for() {
    use std::future::Future;
    use std::task::{Context, Waker};
    let waits = |handle: &coro::AsyncHandle<'_>| handle.block_on(std::future::pending::<u8>());
    let mut future = Coroutine::builder()
        .tracked(true)
        .build_future(waits)
        .unwrap();
    let mut context = Context::from_waker(Waker::noop());
    assert!(
        std::pin::Pin::new(&mut future)
            .poll(&mut context)
            .is_pending()
    );
    let waiting = only();
    assert!(
        waiting.waits_for().unwrap().contains("Pending<u8>"),
        "{waiting:?}"
    );
    assert_eq!(waiting.suspended_at().map(Location::file), Some(file!()));
    assert!(
        dump().contains("waiting for core::future::pending::Pending<u8>"),
        "{}",
        dump()
    );
}

#[test]
fn threads_answer_at_a_safe_point_or_are_named() {
    let all = |limit| {
        let mut text = Vec::new();
        track::dump_all(&mut text, limit).unwrap();
        String::from_utf8(text).unwrap()
    };
    let (ready, is_ready) = mpsc::channel();
    let (stop, stopped) = mpsc::channel::<()>();
    let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let polite = thread("polite").spawn({
        let ready = ready.clone();
        move || {
            let mut waits = tracked("in the polite thread", |handle, ()| handle.suspend(()));
            waits.resume(());
            ready.send(()).unwrap();
            while stopped.recv_timeout(Duration::from_millis(1))
                == Err(mpsc::RecvTimeoutError::Timeout)
            {
                track::checkpoint();
            }
        }
    });
    let (wake, asleep) = mpsc::channel::<()>();
    let (wake_idle, idles) = mpsc::channel::<()>();
    let idle = thread("idle").spawn({
        let ready = ready.clone();
        move || {
            let mut waits = tracked("idle", |handle, ()| handle.suspend(()));
            waits.resume(());
            ready.send(()).unwrap();
            idles.recv().unwrap();
        }
    });
    let silent = thread("silent").spawn(move || {
        let mut waits = [(); 3].map(|()| tracked("silent", |handle, ()| handle.suspend(())));
        let mut waits_elsewhere = tracked("elsewhere", |handle, ()| handle.suspend(()));
        for coroutine in waits.iter_mut().chain([&mut waits_elsewhere]) {
            coroutine.resume(());
        }
        let _new = [(); 2].map(|()| tracked("new", |_, ()| ()));
        ready.send(()).unwrap();
        asleep.recv().unwrap();
    });
    for _ in 0..3 {
        is_ready.recv().unwrap();
    }
    let mut mine = tracked("here", |handle, ()| handle.suspend(()));
    mine.resume(());
    let text = all(Duration::from_secs(2));
    assert!(text.contains("named `here`"), "{text}");
    assert!(text.contains("named `in the polite thread`"), "{text}");
    let of = |thread: &str| {
        let silence = format!("thread '{thread}' came to no safe point in time");
        let rest = text.split_once(&silence).expect("it is told of").1;
        rest.split("thread '").next().unwrap()
    };
    assert!(!of("idle").contains("in other states"), "{text}");
    let rest = of("silent");
    for said in [
        &format!("3 coroutines suspended at {}:", file!()),
        &format!("1 coroutine suspended at {}:", file!()),
        "2 coroutines in other states",
    ] {
        assert!(rest.contains(said), "{text}");
    }
    stop.send(()).unwrap();
    wake.send(()).unwrap();
    wake_idle.send(()).unwrap();
    idle.unwrap().join().unwrap();
    polite.unwrap().join().unwrap();
    silent.unwrap().join().unwrap();
}

/// Three places to be stuck in, and their lines.
mod places {
    use coro::SuspendHandle;

    #[inline(never)]
    pub(super) fn stuck_reading(handle: &SuspendHandle<(), ()>) -> u32 {
        handle.suspend(());
        line!() - 1
    }

    #[inline(never)]
    pub(super) fn stuck_locking(handle: &SuspendHandle<(), ()>) -> u32 {
        let _ = handle.try_suspend(());
        line!() - 1
    }

    #[inline(never)]
    pub(super) fn stuck_sleeping(handle: &SuspendHandle<(), ()>) -> u32 {
        handle.suspend(());
        line!() - 1
    }
}

#[test]
fn a_thousand_that_are_stuck_in_three_places() {
    let place = |n: usize| match n % 10 {
        0 => places::stuck_sleeping,
        1..=3 => places::stuck_locking,
        _ => places::stuck_reading,
    };
    let mut all: Vec<_> = (0..1_000)
        .map(|n| {
            let builder = Coroutine::builder().tracked(true);
            builder
                .build(move |handle, ()| place(n)(handle))
                .expect("a stack")
        })
        .collect();
    all.iter_mut()
        .for_each(|coroutine| _ = coroutine.resume(()));
    let text = dump();
    assert!(
        text.contains("1000 coroutines tracked, in 3 places\n"),
        "{text}"
    );
    let groups: Vec<(usize, u32)> = text
        .lines()
        .filter_map(|line| line.trim().split_once(" coroutines suspended at "))
        .map(|(count, place)| {
            let place = place.strip_prefix(file!()).expect("it is in this file");
            let line = place.split(':').nth(1).expect("a line");
            (count.parse().unwrap(), line.parse().unwrap())
        })
        .collect();
    let mut line_of = |n: usize| all[n].resume(()).complete().expect("it goes on");
    assert_eq!(
        groups,
        [(600, line_of(4)), (300, line_of(1)), (100, line_of(0))],
        "{text}"
    );
    if WALKS {
        let order = ["stuck_reading", "stuck_locking", "stuck_sleeping"];
        let backtraces: Vec<_> = text
            .lines()
            .filter(|line| order.iter().any(|function| line.contains(function)))
            .collect();

        for (line, function) in backtraces.iter().zip(order) {
            assert!(line.contains(function), "{text}");
        }
        assert_eq!(backtraces.len(), 3, "{text}");
    }
}

testing::scenarios!(
    scenario;
    asked_by_a_signal,
    signal_that_is_taken,
    tracked_without_being_asked,
    overflow_of_a_tracked_one,
    overflow_of_a_named_one,
);

fn asked_by_a_signal() {
    #[cfg(unix)]
    ask();
}

#[cfg(unix)]
fn ask() {
    // A shell starts what it puts in the background with this signal ignored.
    // SAFETY: no function is given, and the child has no other use of the signal.
    unsafe { libc::signal(libc::SIGQUIT, libc::SIG_DFL) };
    coro::diagnostics::install().unwrap();
    coro::diagnostics::install().unwrap();
    let mut stuck = Coroutine::new(|handle: &SuspendHandle<(), ()>, ()| handle.suspend(()));
    stuck.resume(());
    // SAFETY: its handler was installed above.
    unsafe { libc::raise(libc::SIGQUIT) };
    for _ in 0..1_500 {
        track::checkpoint();
        std::thread::sleep(Duration::from_millis(2));
    }
    println!("it goes on");
}

#[cfg(unix)]
#[test]
fn a_signal_asks() {
    let ended = testing::child::run("track::scenario", "asked_by_a_signal");
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.output.contains("it goes on"), "{ended:?}");
    let place = format!("1 coroutine suspended at {}:", file!());
    assert_eq!(ended.output.matches(&place).count(), 1, "{ended:?}");
    // Under an emulator, and in a standard library that is compiled for ThreadSanitizer, the names of the frames
    // alone take more than the second that threads have.
    let slow = ["SURE_TEST_RUNNER", "TSAN_OPTIONS"]
        .into_iter()
        .any(|name| std::env::var(name).is_ok_and(|value| !value.is_empty()));
    assert!(slow || !ended.output.contains("no safe point"), "{ended:?}");
}

fn tracked_without_being_asked() {
    track::enable();
    let _small = Coroutine::new(|_: &SuspendHandle<(), ()>, ()| ());
    // What crosses wants more stack than most coroutines do.
    let _large = Coroutine::new(|_: &SuspendHandle<(), [u8; 20_000]>, ()| ());
    println!("{} are tracked", track::list().len());
}

#[test]
fn all_are_tracked_whatever_they_yield() {
    let ended = testing::child::run("track::scenario", "tracked_without_being_asked");
    assert!(ended.output.contains("2 are tracked"), "{ended:?}");
}

fn signal_that_is_taken() {
    #[cfg(unix)]
    ask_in_vain();
}

#[cfg(unix)]
fn ask_in_vain() {
    extern "C" fn handler(_: libc::c_int) {
        println!("the old handler");
    }
    let old = handler as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // SAFETY: the signal is raised below only, where printing is allowed.
    unsafe { libc::signal(libc::SIGQUIT, old) };
    let refused = track::dump_on_signal(libc::SIGQUIT).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::AlreadyExists);
    coro::diagnostics::install().unwrap();
    // SAFETY: as above.
    unsafe { libc::raise(libc::SIGQUIT) };
}

#[cfg(unix)]
#[test]
fn a_signal_with_a_handler_keeps_it() {
    let ended = testing::child::run("track::scenario", "signal_that_is_taken");
    assert!(
        ended.status.success() && ended.output.contains("the old handler"),
        "{ended:?}"
    );
}

#[inline(never)]
fn without_end(n: u64) -> u64 {
    let frame = std::hint::black_box([n; 64]);
    if frame[1] == u64::MAX {
        return 0;
    }
    without_end(n + 1) + frame[0]
}

fn overflow_of_a_tracked_one() {
    coro::diagnostics::install().unwrap();
    let mut deep = Coroutine::new(|_: &SuspendHandle<(), ()>, ()| _ = without_end(0));
    deep.resume(());
}

fn overflow_of_a_named_one() {
    coro::diagnostics::install().unwrap();
    let builder = Coroutine::builder().name("deep");
    let deep = builder.build(|_: &SuspendHandle<(), ()>, ()| _ = without_end(0));
    deep.unwrap().resume(());
}

#[test]
fn an_overflow_tells_who_created_the_coroutine() {
    let cases = [
        ("overflow_of_a_tracked_one", "an unnamed coroutine"),
        ("overflow_of_a_named_one", "deep"),
    ];
    for (scenario, name) in cases {
        let ended = testing::child::run("track::scenario", scenario);
        let creator = format!(
            "has overflowed the stack of `{name}, created at {}:",
            file!()
        );
        assert!(ended.output.contains(&creator), "{ended:?}");
    }
}

/// To look up the names of functions takes more than such a stack has.
#[test]
fn a_coroutine_with_little_stack_may_ask_for_a_dump() {
    let builder = Coroutine::builder()
        .tracked(true)
        .stack_size(coro::MIN_STACK_SIZE);
    let mut other = tracked("other", |handle, ()| handle.suspend(()));
    other.resume(());
    let mut small = builder
        .build(|handle: &SuspendHandle<(), bool>, ()| {
            handle.suspend(dump().contains("named `other`"));
        })
        .unwrap();
    assert_eq!(small.resume(()).yielded(), Some(true));
}
