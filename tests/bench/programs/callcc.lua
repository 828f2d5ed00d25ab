-- 100,000 coroutines that yield once: Lua's nearest thing to an escape.
local function first_above(limit)
  local run = coroutine.wrap(function()
    local i = 0
    while true do
      if i > limit then coroutine.yield(i) end
      i = i + 1
    end
  end)
  return run()
end
local sum = 0
for _ = 1, 100000 do sum = sum + first_above(2) end
return sum
