//! Speed of the fiber machine: nanoseconds an instruction, a switch, a caught panic.
//!
//! Goals: 2.5 ns an instruction in arithmetic loops and call chains; 12 ns a switch among 10,000
//! fibers with two instructions of work; 60 ns for 16 instructions with a catch and a panic; a
//! million default fibers in 1 GiB (printed before the rest).

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fiber_vm::asm::assemble;
use fiber_vm::{Config, Vm};

/// A machine with a program and so many fibers at its start, each with a 0 on its working stack.
fn machine(fibers: u32, source: &str) -> Vm<'static> {
    let program = assemble(source).unwrap();
    let mut vm = Vm::new(Config {
        fibers,
        ..Config::default()
    })
    .unwrap();
    let start = program.fibers[0].ep;
    for segment in &program.segments {
        vm.write(segment.address, &segment.bytes).unwrap();
    }
    for _ in 0..fibers {
        let id = vm.spawn(start).unwrap();
        vm.push(id, 0).unwrap();
    }
    vm
}

/// One instruction, in a run of many.
const FUEL: u64 = 100_000;

fn instructions(c: &mut Criterion) {
    let mut group = c.benchmark_group("fiber_vm/instruction");
    group.throughput(Throughput::Elements(FUEL));
    let programs = [
        (
            "arithmetic loop",
            "main: DUP\n PUSH 3\n MUL\n PUSH 5\n ADD\n XOR\n INC\n JMPL.1 main",
        ),
        ("countdown", "main: DEC\n DUP\n JZL.1 main\n JMPL.1 main"),
        (
            "call chain",
            "main: XSL a\n JMPL.1 main\na: XSL b\n RET\nb: XLL c\n RET\nc: .locals 8\n INC\n RET",
        ),
        (
            "memory",
            "main: PUSH 0x3000\n FT\n INC\n PUSH 0x3000\n SR\n FTLL.4 0\n SRLL.4 4\n JMPL.1 main",
        ),
    ];
    for (name, source) in programs {
        let mut vm = machine(2, source);
        let second = vm.listed().last().unwrap();
        vm.remove(second).unwrap();
        group.bench_function(name, |b| {
            b.iter(|| {
                let summary = vm.run_for(black_box(FUEL));
                assert_eq!(summary.executed, FUEL);
            });
        });
    }
    group.finish();
}

/// A fiber's turn among 10,000: INC, a jump, and YLD.
fn switches(c: &mut Criterion) {
    const FIBERS: u32 = 10_000;
    let mut group = c.benchmark_group("fiber_vm/switch");
    group.throughput(Throughput::Elements(FIBERS.into()));
    let mut vm = machine(FIBERS, "main: INC\n YLD\n JMPL.1 main");
    vm.run_for(2 * u64::from(FIBERS));
    group.bench_function("10,000 fibers", |b| {
        // One round: YLD, JMPL, INC of each.
        b.iter(|| vm.run_for(black_box(3 * u64::from(FIBERS))));
    });
    group.finish();
}

/// A loop of 16 instructions with a catch and a panic.
fn panics(c: &mut Criterion) {
    const ROUNDS: u64 = 5_000;
    let source = "
        main: PUSH thunk\n DV catch\n DRP\n PUSH 1\n INC\n INC\n INC\n DRP\n NOP\n JMPL.1 main
        thunk: PUSH 3\n INC\n PUSH 0\n PUSH 1\n PUSH 5\n DV assert";
    let mut group = c.benchmark_group("fiber_vm/panic");
    group.throughput(Throughput::Elements(ROUNDS));
    let mut vm = machine(1, source);
    group.bench_function("loop of 16 with catch and panic", |b| {
        b.iter(|| vm.run_for(black_box(16 * ROUNDS)));
    });
    group.finish();
}

/// Creating, running and freeing a fiber.
fn lifecycle(c: &mut Criterion) {
    let mut vm = machine(1, "main: RET");
    vm.run();
    let old = vm.fibers().next().unwrap().id();
    vm.free(old).unwrap();
    c.bench_function("fiber_vm/spawn, run and free", |b| {
        b.iter(|| {
            let id = vm.spawn(black_box(0x2000)).unwrap();
            vm.run();
            vm.free(id).unwrap();
        });
    });
}

/// Says how much memory a million fibers really take, all of them having run.
fn a_million(_: &mut Criterion) {
    // `cargo test` only wants to know whether benches run.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    const FIBERS: u32 = 1_000_000;
    let before = resident();
    let vm = {
        // Each touches its locals stack, its call stack and its working stack, and yields.
        let source = ".org 0x2000\nmain: XLL f\nf: .locals 8\n PUSH 7\n SRLL.4 0\n PUSH 5\n YLD";
        let mut vm = machine(FIBERS, source);
        vm.run_for(5 * u64::from(FIBERS));
        assert_eq!(vm.listed().count(), FIBERS as usize);
        vm
    };
    println!(
        "a million default fibers: {} bytes each by Config::fiber_bytes, {:?} MiB resident",
        Config::default().fiber_bytes(),
        before
            .zip(resident())
            .map(|(before, after)| (after - before) >> 20),
    );
    drop(vm);
}

/// The bytes of this process that are in memory, where the system says so.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib << 10)
}

criterion_group!(
    benches,
    a_million,
    instructions,
    switches,
    panics,
    lifecycle
);
criterion_main!(benches);
