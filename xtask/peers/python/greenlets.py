"""Python's greenlet, told by its input what to do: see shared/external.rs and alive.rs."""

import sys
import time

import greenlet


def call(value):
    return value


def body(value):
    while True:
        value = main.switch(value)


def suspended():
    one = greenlet.greenlet(body)
    one.switch(0)
    return one


def turns(turn):
    """Reads numbers of turns, and answers with the nanoseconds that they took."""
    left = []
    for line in sys.stdin:
        start = time.perf_counter_ns()
        for _ in range(int(line)):
            left = left or turn[:]
            left.pop()(7)
        print(time.perf_counter_ns() - start, flush=True)


def crowd(most):
    kept = []
    for step in map(int, sys.stdin):
        while len(kept) < min(step, most):
            kept.append(suspended())
        print("alive", len(kept), flush=True)


main = greenlet.getcurrent()
what, many = sys.argv[1], int(sys.argv[2])
if what == "crowd":
    crowd(many)
elif what == "call":
    turns([call])
else:
    turns([suspended().switch for _ in range(many)])
