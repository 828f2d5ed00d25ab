local text, total = "", 0
for _ = 1, 100000 do
  if #text == 1000 then
    total = total + 1000
    text = ""
  end
  text = text .. "x"
end
return total + #text
