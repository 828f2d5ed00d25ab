-- A merge sort of a list of 100,000 numbers, written out. A pair is a table of two.
local function numbers(count)
  local seed, list = 42, nil
  for _ = 1, count do
    seed = (seed * 1103515245 + 12345) % 2147483648
    list = { seed, list }
  end
  return list
end

local function merge(a, b)
  local head = { false, nil }
  local last = head
  while true do
    if a == nil then last[2] = b break end
    if b == nil then last[2] = a break end
    if b[1] < a[1] then
      last[2] = b
      last = b
      a, b = a, b[2]
    else
      last[2] = a
      last = a
      a = a[2]
    end
  end
  return head[2]
end

local function split(list, count)
  while count > 1 do
    list = list[2]
    count = count - 1
  end
  local rest = list[2]
  list[2] = nil
  return rest
end

local function sort(list, count)
  if count == 1 then return list end
  local half = count // 2
  local rest = split(list, half)
  return merge(sort(list, half), sort(rest, count - half))
end

local sorted = sort(numbers(100000), 100000)
local ordered, last = 1, sorted[1]
sorted = sorted[2]
while sorted ~= nil do
  if sorted[1] < last then return false end
  last = sorted[1]
  sorted = sorted[2]
  ordered = ordered + 1
end
return ordered
