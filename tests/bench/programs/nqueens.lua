-- Solutions of the eight queens: a queen's row for each column, as a linked list.
local function safe(row, distance, placed)
  while placed ~= nil do
    local other = placed[1]
    if other == row + distance or other == row - distance or other == row then return false end
    distance = distance + 1
    placed = placed[2]
  end
  return true
end

local function solutions(columns, placed, size)
  if columns == 0 then return 1 end
  local sum = 0
  for row = 1, size do
    if safe(row, 1, placed) then sum = sum + solutions(columns - 1, { row, placed }, size) end
  end
  return sum
end

return solutions(8, nil, 8)
