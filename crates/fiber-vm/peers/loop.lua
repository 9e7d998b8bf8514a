-- The machine's own benchmarks in Lua. Run as: lua5.4 loop.lua <name>; prints microseconds of processor time.
local ROUNDS = 10000000
local function c(n) return n + 1 end
local function b(n) local r = c(n) return r end
local function a(n) local r = b(n) return r end
local benches = {}
function benches.arithmetic()
  local x = 0
  for _ = 1, ROUNDS do
    x = ((x ~ (x * 3 + 5)) + 1) & 0xFFFFFFFF
  end
  return x
end
function benches.calls()
  local x = 0
  for _ = 1, ROUNDS do x = a(x) end
  return x
end
function benches.panics()
  local function thunk() error(5, 0) end
  for _ = 1, ROUNDS // 10 do pcall(thunk) end
end
local start = os.clock()
benches[arg[1]]()
print(string.format("%.0f", (os.clock() - start) * 1e6))
