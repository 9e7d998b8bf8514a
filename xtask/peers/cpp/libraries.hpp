// Three ways of Boost to switch stacks, behind one interface: an Echo that
// gives back what it is sent, suspended inside so many calls.
#pragma once

#include <array>
#include <boost/context/detail/fcontext.hpp>
#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <boost/coroutine2/all.hpp>
#include <cstddef>
#include <cstdint>

namespace ctx = boost::context;
namespace co2 = boost::coroutines2;

struct Unit {};
using Word = std::size_t;
using Large = std::array<std::uint64_t, 8>;

template <class V> V step(V value) { return value; }
inline Word step(Word value) { return value + 1; }

// Suspends inside `depth` calls that are not inlined.
template <int depth, class V, class Suspend>
__attribute__((noinline)) V deep(Suspend &suspend, V value) {
  V back;
  if constexpr (depth <= 1)
    back = suspend(step(value));
  else
    back = deep<depth - 1>(suspend, step(value));
  asm volatile("" : : "g"(&back) : "memory");
  return back;
}

template <int depth, class V, class Suspend>
[[noreturn]] void echo(Suspend suspend, V value) {
  for (;;) {
    if constexpr (depth == 0)
      value = suspend(value);
    else
      value = deep<depth>(suspend, value);
  }
}

// The bare switch: a pointer each way, and no destructors.
template <class V, int depth> class FcontextEcho {
  ctx::stack_context stack_;
  ctx::protected_fixedsize_stack from_;
  ctx::detail::fcontext_t other_;

  static void start(ctx::detail::transfer_t in) {
    auto suspend = [&in](V value) {
      in = ctx::detail::jump_fcontext(in.fctx, &value);
      return *static_cast<V *>(in.data);
    };
    echo<depth>(suspend, *static_cast<V *>(in.data));
  }

public:
  explicit FcontextEcho(std::size_t bytes)
      : from_(bytes) {
    stack_ = from_.allocate();
    other_ = ctx::detail::make_fcontext(stack_.sp, stack_.size, start);
  }
  FcontextEcho(const FcontextEcho &) = delete;
  ~FcontextEcho() { from_.deallocate(stack_); }

  V resume(V value) {
    auto back = ctx::detail::jump_fcontext(other_, &value);
    other_ = back.fctx;
    return *static_cast<V *>(back.data);
  }
};

// What passes values is a variable beside it, as its documentation shows.
template <class V, int depth> class FiberEcho {
  V port_{};
  ctx::fiber other_;

public:
  explicit FiberEcho(std::size_t bytes)
      : other_(std::allocator_arg, ctx::protected_fixedsize_stack(bytes),
               [this](ctx::fiber &&back) {
                 auto suspend = [this, &back](V value) {
                   port_ = value;
                   back = std::move(back).resume();
                   return port_;
                 };
                 echo<depth>(suspend, port_);
                 return std::move(back);
               }) {}
  FiberEcho(const FiberEcho &) = delete;

  V resume(V value) {
    port_ = value;
    other_ = std::move(other_).resume();
    return port_;
  }
};

// Values go in; what comes out is in a variable, because a coroutine2 has one
// direction only.
template <class V, int depth> class Coroutine2Echo {
  V port_{};
  typename co2::coroutine<V>::push_type other_;

public:
  explicit Coroutine2Echo(std::size_t bytes)
      : other_(co2::protected_fixedsize_stack(bytes),
               [this](typename co2::coroutine<V>::pull_type &source) {
                 auto suspend = [this, &source](V value) {
                   port_ = value;
                   return source().get();
                 };
                 echo<depth>(suspend, V(source.get()));
               }) {}
  Coroutine2Echo(const Coroutine2Echo &) = delete;

  V resume(V value) {
    other_(value);
    return port_;
  }
};

// One life: created on a stack of `from`, run once to its end, or dropped
// while it is suspended.
template <class From> std::size_t fiber_life(From &from, std::size_t value, bool suspend) {
  ctx::fiber one(std::allocator_arg, from, [&](ctx::fiber &&back) {
    value += 1;
    if (suspend)
      back = std::move(back).resume();
    return std::move(back);
  });
  one = std::move(one).resume();
  return value;
}

template <class From> std::size_t coroutine2_life(From &from, std::size_t value, bool suspend) {
  co2::coroutine<std::size_t>::pull_type one(
      from, [=](co2::coroutine<std::size_t>::push_type &sink) {
        if (suspend)
          sink(value);
      });
  return suspend ? one.get() : value;
}
