-- A holder says that it holds nothing any more of deleted sightings.
-- KEYS: purge per sighting. ARGV: holder, sighting id, ... Answers how many are done with for good.
local done = 0
for i = 2, #ARGV do
  local pkey = KEYS[FIRST + i - 2]
  if redis.call('HDEL', pkey, 'wait:' .. ARGV[1]) == 1 then
    local waits = false
    for _, name in ipairs(redis.call('HKEYS', pkey)) do
      if string.sub(name, 1, 5) == 'wait:' then waits = true end
    end
    if not waits then
      redis.call('DEL', pkey)
      redis.call('ZREM', K.outbox, ARGV[i])
      done = done + 1
    end
  end
end
return done
