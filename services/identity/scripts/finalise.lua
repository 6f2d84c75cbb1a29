-- Marks provisional sightings final.
-- KEYS: one per sighting. ARGV: newest put allowed (us), then sighting id, revision seen, ...
-- Answers the ids that were marked.
local done = {}
for i = 2, #ARGV, 2 do
  local sid, skey = ARGV[i], KEYS[FIRST + (i - 2) / 2]
  local put_us = redis.call('ZSCORE', K.provisional, sid)
  if put_us and tonumber(put_us) <= tonumber(ARGV[1]) and redis.call('HGET', skey, 'revision') == ARGV[i + 1] then
    redis.call('HSET', skey, 'final', '1')
    redis.call('ZREM', K.provisional, sid)
    announce(sid, skey)
    done[#done + 1] = sid
  end
end
return done
