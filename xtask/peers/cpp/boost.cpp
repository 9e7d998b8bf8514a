// The work that Boost does, for src/peers/boost.rs: see work.rs for the rows.

#include "libraries.hpp"

#include <boost/version.hpp>
#include <chrono>
#include <memory>
#include <vector>

namespace {

enum Library { FCONTEXT, FIBER, COROUTINE2 };
enum Kind { UNIT, WORD, LARGE };
enum Life { KEPT, FRESH, DROPPED };

struct Contestant {
  virtual ~Contestant() = default;
  virtual void run(int layout, std::uint64_t n) = 0;
};

template <class T> void keep(T &value) { asm volatile("" : : "g"(&value) : "memory"); }

// The loop, further on than it would be: see src/contestant.rs.
template <int padding, class Turn>
__attribute__((noinline)) void repeat(std::uint64_t n, Turn &turn) {
  asm volatile(".rept %c0\n\tnop\n\t.endr" : : "i"(padding));
  for (std::uint64_t i = 0; i < n; i++)
    turn(i);
}

template <class Turn> struct Looped final : Contestant {
  Turn turn;
  explicit Looped(Turn turn) : turn(std::move(turn)) {}
  void run(int layout, std::uint64_t n) override {
    switch (layout % 4) {
    case 0: return repeat<0>(n, turn);
    case 1: return repeat<16>(n, turn);
    case 2: return repeat<32>(n, turn);
    default: return repeat<48>(n, turn);
    }
  }
};

template <class Turn> Contestant *looped(Turn turn) {
  return new Looped<Turn>(std::move(turn));
}

template <class V> V value_of(std::uint64_t) { return V{}; }
template <> Word value_of<Word>(std::uint64_t i) { return i; }
template <> Large value_of<Large>(std::uint64_t i) { return {i, i, i, i, i, i, i, i}; }

// One, or many in the order that is given.
template <class Echo, class V>
Contestant *echoes(std::size_t bytes, const std::uint32_t *order, std::size_t many) {
  std::vector<std::unique_ptr<Echo>> all;
  for (std::size_t i = 0; i < many; i++) {
    all.push_back(std::make_unique<Echo>(bytes));
    all.back()->resume(V{});
  }
  if (many == 1)
    return looped([one = std::move(all[0])](std::uint64_t i) {
      V back = one->resume(value_of<V>(i));
      keep(back);
    });
  std::vector<std::uint32_t> turns(order, order + many);
  return looped([all = std::move(all), turns = std::move(turns), next = std::size_t(0)](
                    std::uint64_t i) mutable {
    V back = all[turns[next]]->resume(value_of<V>(i));
    keep(back);
    next = next + 1 == turns.size() ? 0 : next + 1;
  });
}

template <template <class, int> class Echo, class V>
Contestant *at_depth(int depth, std::size_t bytes, const std::uint32_t *order, std::size_t many) {
  switch (depth) {
  case 0: return echoes<Echo<V, 0>, V>(bytes, order, many);
  case 1: return echoes<Echo<V, 1>, V>(bytes, order, many);
  case 3: return echoes<Echo<V, 3>, V>(bytes, order, many);
  default: return echoes<Echo<V, 10>, V>(bytes, order, many);
  }
}

template <template <class, int> class Echo>
Contestant *of_value(int value, int depth, std::size_t bytes, const std::uint32_t *order,
                     std::size_t many) {
  switch (value) {
  case UNIT: return at_depth<Echo, Unit>(depth, bytes, order, many);
  case WORD: return at_depth<Echo, Word>(depth, bytes, order, many);
  default: return at_depth<Echo, Large>(depth, bytes, order, many);
  }
}

template <class From> Contestant *lives(int library, From from, bool suspend) {
  if (library == FIBER)
    return looped([from, suspend](std::uint64_t i) mutable {
      auto back = fiber_life(from, i, suspend);
      keep(back);
    });
  return looped([from, suspend](std::uint64_t i) mutable {
    auto back = coroutine2_life(from, i, suspend);
    keep(back);
  });
}

} // namespace

extern "C" {

const char *peers_boost_version() { return BOOST_LIB_VERSION; }

void *peers_boost_echo(int library, int value, int depth, std::size_t bytes,
                       const std::uint32_t *order, std::size_t many) {
  switch (library) {
  case FCONTEXT: return of_value<FcontextEcho>(value, depth, bytes, order, many);
  case FIBER: return of_value<FiberEcho>(value, depth, bytes, order, many);
  default: return of_value<Coroutine2Echo>(value, depth, bytes, order, many);
  }
}

void *peers_boost_life(int library, int life, std::size_t bytes) {
  if (life == FRESH)
    return lives(library, ctx::protected_fixedsize_stack(bytes), false);
  return lives(library, ctx::pooled_fixedsize_stack(bytes), life == DROPPED);
}

std::uint64_t peers_boost_run(void *contestant, int layout, std::uint64_t n) {
  auto start = std::chrono::steady_clock::now();
  static_cast<Contestant *>(contestant)->run(layout, n);
  auto elapsed = std::chrono::steady_clock::now() - start;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count();
}

void peers_boost_free(void *contestant) { delete static_cast<Contestant *>(contestant); }
}
