-- Cuts off the oldest events, and their positions out of the indexes of the identities that they name.
-- KEYS: the index of each identity that an event before ARGV[1] names. ARGV: oldest event to keep. Answers how many went:
-- none that a view has still to see.
local floor = ARGV[1]
for _, view in ipairs(redis.call('HVALS', K.views)) do
  local cursor = string.match(view, '^(%S+) ')
  if after(floor, cursor) then floor = cursor end
end
for i = FIRST, #KEYS do redis.call('ZREMRANGEBYLEX', KEYS[i], '-', '(' .. member(floor)) end
return redis.call('XTRIM', K.events, 'MINID', '=', floor)
