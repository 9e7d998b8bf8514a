"""Where suspended coroutines stand, for gdb (12 or later).

    info coroutines [-g]                what is tracked; with -g grouped by equal backtraces
    coroutine N                         go to where coroutine N is suspended: `up`, `frame 5`, `info locals` …
    coroutine N bt|frame|up|down|…      any command of gdb, there
    coroutine apply N…|all COMMAND      a command at several
    coroutine                           which one is selected;  coroutine none: back to the thread

A program is linked with this script (section `.debug_gdb_scripts`), and gdb loads it where it may:
`add-auto-load-safe-path DIRECTORY-OF-THE-PROGRAM` in ~/.config/gdb/gdbinit. Or: `source coro-gdb.py`.

It reads memory, and nothing else: no register and no byte of the program changes, so it works on a
core file as on a process. It needs symbols, and for lines debug information.

The trick. gdb walks from a thread's newest frame to older ones, and asks an unwinder for the
registers of each caller. While a coroutine is selected, the unwinder below answers for the newest
frame: "my caller is the suspended coroutine", with the registers that its switch has saved. From
there on gdb unwinds by itself; at the root of the coroutine's stack the unwinder says that it ends.
"""

import functools
import itertools
import re
import struct

import gdb
import gdb.printing
import gdb.unwinder
from gdb.FrameDecorator import FrameDecorator

# ---- What is in memory --------------------------------------------------------------------------
# ARCHITECTURE.md, "What a debugger finds in memory". A test compares it with the program's.

HEAD = "CORO_TRACKED_"
LAYOUT = 1
# A word each.
WORDS = """next previous context stage low high handle name name_length created_file
    created_file_length suspended_file suspended_file_length awaits awaits_length number""".split()
# Four bytes each, behind the words.
SHORTS = "created_line suspended_line since_seconds since_nanoseconds suspended thread".split()
# The first byte of the handle's stage.
CREATED, COMPLETE = 0, 3

# How a switch saves registers: by Rust's name of the instruction set, for each of gdb's registers
# the number of its word, counted from the context; `&`: the address of that word is the value. A
# test on every target compares it with a suspended execution. (The other registers are lost in a
# switch, or restored by the frame itself.)
SAVED = {
    "x86_64": "rbx=-1 rbp=0 rip=1 rsp=&2",
    "x86": "ebp=0 eip=1 esi=2 esp=3",
    "aarch64": "x29=0 pc=1 x19=2 sp=3",
    "arm": "r11=0 pc=1 r6=2 r7=3 sp=4",
    "mips": "s0=12 s1=13 s2=14 s3=15 s4=16 s5=17 s6=18 s7=19 gp=20 s8=21 pc=22 sp=&24",
    "mips64": "s0=8 s1=9 s2=10 s3=11 s4=12 s5=13 s6=14 s7=15 gp=16 s8=17 pc=18 sp=&20",
    "riscv32": "fp=-2 pc=-1 s1=0 sp=1",
    "riscv64": "fp=-2 pc=-1 s1=0 sp=1",
    "powerpc": "pc=0 r29=1 r30=2 r31=3 r1=4",
    "powerpc64": "pc=0 r29=1 r30=2 r31=3 r1=4 r2=5",
    "s390x": "pc=0 r11=1 r15=2",
    "loongarch64": "r22=-2 pc=-1 r31=0 r3=1",
}

# Rust's name by how gdb's begins; where both widths have one name, with the bytes of a word.
ARCHITECTURES = [
    ("i386:x86-64", 8, "x86_64"),
    ("i386", 4, "x86"),
    ("aarch64", 8, "aarch64"),
    ("arm", 4, "arm"),
    ("mips", 4, "mips"),
    ("mips", 8, "mips64"),
    ("riscv", 4, "riscv32"),
    ("riscv", 8, "riscv64"),
    ("powerpc", 4, "powerpc"),
    ("powerpc", 8, "powerpc64"),
    ("rs6000", 4, "powerpc"),
    ("s390", 8, "s390x"),
    ("Loongarch64", 8, "loongarch64"),
]

# Bytes of the function at the root of a stack in which a return address can be; and bytes from its
# stack pointer to the handle, at most (`sure_context::FIRST_FRAME_SIZE`, and what is aligned away).
ROOT_CODE, ROOT_FRAME = 48, 1024


def trouble(sentence):
    """For the user, who reads it instead of a traceback."""
    return gdb.GdbError(sentence)


def word_type():
    """An unsigned number of an address's size. (Types have no names where there are lines only.)"""
    frame = gdb.newest_frame()
    return frame.architecture().integer_type(8 * frame.read_register("pc").type.sizeof, False)


def read(address, length):
    try:
        return bytes(gdb.selected_inferior().read_memory(address, length))
    except gdb.MemoryError:
        raise trouble("The memory at %#x, which should describe coroutines, cannot be read." % address)


def layout_of(words, shorts=0):
    """For `struct`: so many words, and then numbers of four bytes."""
    big = "big endian" in gdb.execute("show endian", to_string=True)
    word = "Q" if word_type().sizeof == 8 else "I"
    return struct.Struct((">" if big else "<") + word * words + "I" * shorts)


def read_as(layout, address):
    return layout.unpack(read(address, layout.size))


def read_words(address, count):
    return read_as(layout_of(count), address)


def read_text(address, length):
    # A length that no name has is garbage.
    return read(address, min(length, 4096)).decode("utf-8", "replace") if address and length else ""


# The names of the lists, by the files that gdb has read symbols from: looking for them takes time.
NAMES = {}


def heads():
    """The addresses of the lists: one for each version of the crate in the program."""
    files = tuple(file.filename for file in gdb.objfiles())
    if files not in NAMES:
        listed = gdb.execute("info variables -q %s" % HEAD, to_string=True)
        NAMES[files] = sorted(set(re.findall(HEAD + r"\w+", listed)))
    # Of what gdb shows, a warning about the language may follow the number.
    show = "with language c -- output (unsigned long) &%s"
    shown = [gdb.execute(show % name, to_string=True) for name in NAMES[files]]
    return [int(re.match(r"\d+", text).group()) for text in shown]


class Coroutine:
    """What the program says of one, as it was when this was made or first asked."""

    def __init__(self, address, layout):
        for field, value in zip(WORDS + SHORTS, read_as(layout, address)):
            setattr(self, field, value)

    @functools.cached_property
    def title(self):
        return read_text(self.name, self.name_length)

    @functools.cached_property
    def state(self):
        stage = read(self.stage, 1)[0]
        if stage == CREATED:
            return "absent" if self.context else "created"
        if stage == COMPLETE:
            return "complete"
        return "suspended" if self.suspended else "running"

    def waits_for(self):
        return read_text(self.awaits, self.awaits_length)

    def suspended_at(self):
        file = read_text(self.suspended_file, self.suspended_file_length)
        return "%s:%d" % (file, self.suspended_line) if file else "?"

    def created_at(self):
        file = read_text(self.created_file, self.created_file_length)
        return "%s:%d" % (file, self.created_line) if file else "?"

    def __str__(self):
        name = ' "%s"' % self.title if self.title else ""
        return "coroutine %d%s" % (self.number, name)

    def root(self):
        """An address inside the function at the root of its stack."""
        return read_words(self.handle, 2)[1]

    def check_frames(self):
        """Says why there is no walk of its stack, if there is none."""
        if self.state == "running":
            threads = gdb.selected_inferior().threads()
            here = [t.num for t in threads if self.thread and self.thread in t.ptid[1:]]
            where = "thread %d" % here[0] if here else "its thread"
            raise trouble(
                "%s is running: its frames are among those of %s, and of what it has resumed. "
                "Try: thread apply all bt" % (str(self).capitalize(), where)
            )
        if self.state == "created":
            text = "%s was never resumed, so it has no frames. It was created at %s."
            raise trouble(text % (str(self).capitalize(), self.created_at()))
        if self.state == "absent":
            raise trouble(
                "The stack of %s is not in the core file. gdb's own generate-core-file leaves out what lies behind a "
                "guard of a stack; the kernel does not (ulimit -c unlimited, signal ABRT). It is suspended at %s."
                % (self, self.suspended_at())
            )
        if self.state == "complete":
            raise trouble("%s is complete: it has no frames any more." % str(self).capitalize())
        if not self.context:
            text = "%s is suspended at %s, and its frames are not in their place: they were copied away."
            raise trouble(text % (str(self).capitalize(), self.suspended_at()))
        if self.root() < 4096:
            raise trouble("In this build each coroutine is a thread. Try: thread apply all bt")


def tracked():
    """All tracked coroutines, by number."""
    if gdb.selected_thread() is None:
        raise trouble("There is no program: run one, attach to one, or load a core file.")
    addresses = heads()
    if not addresses:
        raise trouble(
            "This program says nothing about coroutines: it is not linked with the crate `coro`, or its symbols "
            "were stripped."
        )
    found, of_record = {}, layout_of(len(WORDS), len(SHORTS))
    for head in addresses:
        layout, _ = read_as(layout_of(0, 2), head)
        if layout != LAYOUT:
            text = "The program describes its coroutines in layout %d, and this script reads %d: take the script of the same version of `coro`."
            raise trouble(text % (layout, LAYOUT))
        record, count = read_words(head + 8, 2)
        # The thread that changes the list may have been stopped in between.
        for _ in range(count + 1):
            if record == 0:
                break
            coroutine = Coroutine(record, of_record)
            found[coroutine.number] = coroutine
            record = coroutine.next
    if not found:
        raise trouble(
            "No coroutine is tracked: only those are that were created after `coro::track::enable()`, and only as long as they exist."
        )
    return dict(sorted(found.items()))


def coroutine_number(number, everything=None):
    everything = everything or tracked()
    if number not in everything:
        some = "there are %d, from %d to %d" % (len(everything), min(everything), max(everything))
        raise trouble("No tracked coroutine has the number %d: %s." % (number, some))
    return everything[number]


# ---- The walk -----------------------------------------------------------------------------------


def saved_registers(frame, context):
    """The registers of the suspended coroutine: numbers by gdb's names."""
    name, size = frame.architecture().name(), word_type().sizeof
    known = [arch for begin, bytes, arch in ARCHITECTURES if name.startswith(begin) and bytes == size]
    if not known:
        raise trouble("How a coroutine saves its registers on %s, this script does not know." % name)
    places = [row.split("=") for row in SAVED[known[0]].split()]
    numbers = [int(place.lstrip("&")) for _, place in places]
    # One read for all; of an address alone the memory may not be there.
    stored = [number for (_, place), number in zip(places, numbers) if "&" not in place]
    words = read_words(context + size * min(stored), max(stored) - min(stored) + 1)
    return {
        register: context + size * number if "&" in place else words[number - min(stored)]
        for (register, place), number in zip(places, numbers)
    }


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = gdb.Value(sp), gdb.Value(pc)


class Unwinder(gdb.unwinder.Unwinder):
    """Lets the selected coroutine appear as the caller of the newest frame of its thread."""

    def __init__(self):
        super().__init__("coro")
        self.coroutine = None

    def select(self, coroutine):
        """Makes the suspended coroutine the selected one, and returns its frames."""
        coroutine.check_frames()
        self.clear()
        newest = gdb.newest_frame()
        self.newest_at = int(newest.read_register("pc")), int(newest.read_register("sp"))
        self.registers = saved_registers(newest, coroutine.context)
        # While it looks for a frame, gdb must not be asked for one.
        self.word = word_type()
        self.root = coroutine.root()
        self.thread = gdb.selected_thread().ptid
        self.coroutine = coroutine
        gdb.invalidate_cached_frames()
        return users_own(frames())

    def clear(self):
        if self.coroutine is not None:
            self.coroutine = None
            gdb.invalidate_cached_frames()

    def is_active(self):
        thread = gdb.selected_thread()
        return self.coroutine is not None and thread is not None and thread.ptid == self.thread

    def __call__(self, frame):
        if not self.is_active():
            return None
        pc, sp = int(frame.read_register("pc")), int(frame.read_register("sp"))
        if (pc, sp) == self.newest_at:
            return self.newest(frame, pc)
        near_root = 0 <= self.coroutine.handle - sp <= ROOT_FRAME
        if near_root and self.root - 16 < pc < self.root + ROOT_CODE:
            return self.end(frame, pc, sp)
        return None

    def newest(self, frame, pc):
        # It has to seem younger than the coroutine's frames: gdb expects stacks to be in one piece.
        info = frame.create_unwind_info(FrameId(self.coroutine.low, pc))
        for register, number in self.registers.items():
            kind = frame.read_register(register).type
            info.add_saved_register(register, gdb.Value(number).cast(self.word).cast(kind))
        return info

    def end(self, frame, pc, sp):
        # A caller that is the frame itself: there gdb stops.
        info = frame.create_unwind_info(FrameId(sp, pc))
        for register in ("pc", "sp"):
            info.add_saved_register(register, frame.read_register(register))
        return info


unwinder = Unwinder()


class At:
    """A context in which a coroutine is selected, with its frames; after it, what was selected before."""

    def __init__(self, coroutine):
        self.coroutine = coroutine

    def __enter__(self):
        self.before = unwinder.coroutine
        self.level = gdb.selected_frame().level()
        return unwinder.select(self.coroutine)

    def __exit__(self, *_):
        unwinder.clear()
        if self.before is not None:
            unwinder.select(self.before)
        frame = gdb.newest_frame()
        while frame is not None and frame.level() < self.level:
            frame = frame.older()
        if frame is not None:
            frame.select()


def frames():
    """Those of the selected coroutine, from its suspend to its root."""
    frame = first_frame()
    while frame is not None:
        yield frame
        frame = frame.older()


def first_frame():
    """The caller of the thread's newest frame, which may show as several, for functions that are inlined there."""
    frame = gdb.newest_frame()
    while frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    return frame.older()


def name_of(frame):
    """Without the numbers that tell apart crates of one name."""
    return re.sub(r"\[[0-9a-f]{12,}\]", "", frame.name() or "")


def is_library(frame):
    """Whether the function is of these crates. Of functions that are inlined, where there is no debug information but
    lines, the name has no path, and the file tells."""
    symtab = frame.find_sal().symtab
    names = re.match(r"<?(coro|sure_context)::", name_of(frame))
    return bool(names or symtab and re.search(r"(^|/)(coro|sure-context)(-[\d.]+)?/src/", symtab.filename))


def is_root(frame):
    """Whether it calls the coroutine's closure."""
    symtab = frame.find_sal().symtab
    by_name = re.match(r"<?coro::root::", name_of(frame))
    return bool(by_name or symtab and re.search(r"(^|/)coro(-[\d.]+)?/src/root\.rs$", symtab.filename))


def users_own(items, frame_of=lambda item: item):
    """From the library's function that the user's code has called in order to suspend, to the coroutine's closure."""
    called = None
    for item in items:
        frame = frame_of(item)
        if is_root(frame):
            break
        if called is not False and is_library(frame):
            called = item
            continue
        if called:
            yield called
        called = False
        yield item
    if called:
        yield called


def go_to(own):
    """Selects the user's code that suspends: the first frame is the library's function."""
    own = list(itertools.islice(own, 2))
    if not own:
        raise trouble("gdb finds no frames there.")
    own[-1].select()


class FrameFilter:
    """`bt` shows a coroutine's frames, not those of the thread on which gdb hangs them up, nor the
    library's own; `bt -no-filters` shows all."""

    def __init__(self):
        self.name, self.priority, self.enabled = "coro", 100, True
        gdb.frame_filters[self.name] = self

    def filter(self, decorators):
        if not unwinder.is_active():
            return decorators
        first = first_frame().level()
        own = (d for d in decorators if d.inferior_frame().level() >= first)
        return users_own(own, lambda decorator: decorator.inferior_frame())


def describe(frame):
    sal = frame.find_sal()
    place = " at %s:%d" % (sal.symtab.filename, sal.line) if sal.symtab else ""
    return (name_of(frame) or "%#x" % frame.pc()) + place


def place(coroutine):
    """In one line what it does and where, and each of its frames."""
    if coroutine.state == "created":
        return "created at " + coroutine.created_at(), ()
    if coroutine.state == "absent" or coroutine.state == "suspended" and not coroutine.context:
        return "suspended at " + coroutine.suspended_at(), ()
    if coroutine.state != "suspended":
        return coroutine.state, ()
    with At(coroutine) as own:
        lines = tuple(map(describe, own))
    # The first is the library's function that suspends.
    return "suspended in " + "".join(lines[:2][-1:]), lines


# ---- The commands -------------------------------------------------------------------------------


def ranges(numbers, most=10):
    """1 2 3 7 as 1-3 7, or the beginning of that."""
    numbers, parts = sorted(numbers), []
    for _, run in itertools.groupby(enumerate(numbers), lambda it: it[1] - it[0]):
        run = [number for _, number in run]
        parts.append("%d-%d" % (run[0], run[-1]) if run[1:] else str(run[0]))
    return " ".join(parts[:most]) + (" …" if parts[most:] else "")


class InfoCoroutines(gdb.Command):
    """The tracked coroutines: number, name, state, where they are suspended.
Usage: info coroutines [-g]
With -g grouped by equal backtraces, the largest group first."""

    def __init__(self):
        super().__init__("info coroutines", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        if argument not in ("", "-g"):
            raise trouble("Usage: info coroutines [-g]")
        everything = tracked()
        if argument:
            return self.grouped(everything)
        for coroutine in everything.values():
            mark = "*" if unwinder.coroutine and unwinder.coroutine.number == coroutine.number else " "
            title = '"%s" ' % coroutine.title if coroutine.title else ""
            waits = ", for " + coroutine.waits_for() if coroutine.waits_for() else ""
            print("%s %-5d %s%s%s" % (mark, coroutine.number, title, place(coroutine)[0], waits))

    def grouped(self, everything):
        groups = {}
        for coroutine in everything.values():
            groups.setdefault(place(coroutine), []).append(coroutine.number)
        for (where, lines), numbers in sorted(groups.items(), key=lambda it: -len(it[1])):
            print("%d %s: %s" % (len(numbers), where, ranges(numbers)))
            for line in lines:
                print("    " + line)


class CoroutineCommand(gdb.Command):
    """Go to a suspended coroutine, or do something there.
Usage: coroutine                            which one is selected
       coroutine N                          select it: up, down, frame, info locals … work there
       coroutine N up|down|frame [ARGUMENT] the same, with this command
       coroutine N COMMAND                  another command there, bt say; what was selected stays so
       coroutine apply all|N… COMMAND       the same at several (N-M: from N to M)
       coroutine none                       back to the thread"""

    def __init__(self):
        super().__init__("coroutine", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = argument.split()
        if not words:
            return print("Selected: %s." % (unwinder.coroutine or "none"))
        if words == ["none"]:
            unwinder.clear()
            return gdb.execute("frame")
        if words[0] == "apply":
            return self.apply(words[1:])
        if not words[0].isdigit():
            raise trouble("Usage: coroutine [N [COMMAND] | apply all|N… COMMAND | none]")
        number = int(words[0])
        selected = unwinder.is_active() and unwinder.coroutine.number == number
        coroutine = coroutine_number(number)
        moves = words[1:2] and any(m.startswith(words[1]) for m in ("up", "down", "frame"))
        if words[1:] and not moves:
            with At(coroutine) as own:
                go_to(own)
                gdb.execute(" ".join(words[1:]))
            return
        if not selected:
            go_to(unwinder.select(coroutine))
        gdb.execute(" ".join(words[1:]) or "frame")

    def apply(self, words):
        everything = tracked()
        wanted = []
        while words and (words[0] == "all" or words[0][0].isdigit()):
            word = words.pop(0)
            if word == "all":
                wanted += everything.values()
                continue
            first, _, last = word.partition("-")
            if not first.isdigit() or not (last or first).isdigit():
                raise trouble("%s is neither a coroutine's number nor a range of them." % word)
            first, last = int(first), int(last or first)
            if first == last:
                wanted.append(coroutine_number(first, everything))
            wanted += [it for it in everything.values() if first <= it.number <= last and first != last]
        if not words or not wanted:
            raise trouble("Usage: coroutine apply all|N… COMMAND")
        for coroutine in wanted:
            print("\n%s, %s:" % (str(coroutine).capitalize(), coroutine.state))
            try:
                with At(coroutine) as own:
                    go_to(own)
                    gdb.execute(" ".join(words))
            except gdb.GdbError as reason:
                print(reason)


# ---- Printing values ----------------------------------------------------------------------------


def raw_word(value):
    return int(value.address.cast(word_type().pointer()).dereference())


class CoroutinePrinter:
    """`coro::Coroutine`, and what wraps one in a field of its own."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        context, handle = raw_word(self.value["context"]), raw_word(self.value["handle"])
        return "Coroutine {%s, handle %#x}" % (state_of(handle, context), handle)


def state_of(handle, context):
    """In words; a tracked one with its number and its place."""
    try:
        for it in tracked().values():
            if it.handle == handle:
                where = " at " + it.suspended_at() if it.state == "suspended" else ""
                return "%d%s, %s%s" % (it.number, ' "%s"' % it.title if it.title else "", it.state, where)
    except gdb.GdbError:
        pass
    return "suspended or created" if context else "running or complete"


class HandlePrinter:
    """`coro::SuspendHandle`, which stands at the root of its stack."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        return "SuspendHandle {of %s}" % state_of(int(self.value.address), 0)


class StackPrinter:
    """`sure_stack::PooledStack` and `ArenaStack`, whose header stands at the high end."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        header = self.value["header"]["pointer"]
        base, limit = int(header), raw_word(header.dereference()["limit"])
        return "stack {%#x..%#x, %d KiB}" % (limit, base, (base - limit) >> 10)


def printers():
    collection = gdb.printing.RegexpCollectionPrettyPrinter("coro")
    collection.add_printer("Coroutine", r"^coro::coroutine::Coroutine<.*>$", CoroutinePrinter)
    collection.add_printer("SuspendHandle", r"^coro::handle::SuspendHandle<.*>$", HandlePrinter)
    collection.add_printer("stack", r"^sure_stack::.*::(PooledStack|ArenaStack)$", StackPrinter)
    return collection


# ---- Registration -------------------------------------------------------------------------------
# The program and a library that it loads may both bring the script: the last one counts.

gdb.unwinder.register_unwinder(None, unwinder, replace=True)
gdb.printing.register_pretty_printer(None, printers(), replace=True)
FrameFilter()
InfoCoroutines()
CoroutineCommand()


def forget(_):
    unwinder.clear()


for event in (gdb.events.cont, gdb.events.exited):
    event.connect(forget)
