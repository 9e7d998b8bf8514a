-- 10,000 coroutines in turn, each adding one and yielding. Prints the microseconds of processor
-- time that it took.
local FIBERS, ROUNDS = 10000, 300
local function body()
  local n = 0
  while true do
    n = n + 1
    coroutine.yield()
  end
end
local fibers = {}
for i = 1, FIBERS do
  fibers[i] = coroutine.create(body)
end
local resume = coroutine.resume
local function rounds(count)
  for _ = 1, count do
    for i = 1, FIBERS do
      resume(fibers[i])
    end
  end
end
rounds(2)
local start = os.clock()
rounds(ROUNDS)
print(string.format("%.0f", (os.clock() - start) * 1e6))
