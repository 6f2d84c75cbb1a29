-- Cuts off what nobody needs any more. ARGV: oldest event to keep by age ('<ms>-0'), tombstones before (us), audit before
-- ('<ms>-0'), at most so many retired ids. Answers how many entries of events, sightings and audit went.
local floor = ARGV[1]
for _, view in ipairs(redis.call('HVALS', K.views)) do
  local cursor = string.match(view, '^(%S+) ')
  if after(floor, cursor) then floor = cursor end
end
local gone = {
  redis.call('XTRIM', K.events, 'MINID', '=', floor),
  redis.call('XTRIM', K.work, 'MINID', '=', redis.call('GET', K.cursor) or '0-0'),
  redis.call('XTRIM', K.audit, 'MINID', '=', ARGV[3]),
}
redis.call('ZREMRANGEBYSCORE', K.tombstones, '-inf', ARGV[2])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', K.retired, '-inf', ARGV[2], 'LIMIT', 0, ARGV[4])) do
  if redis.call('HGET', K.alias, id) == '' then redis.call('HDEL', K.alias, id) end
  redis.call('ZREM', K.retired, id)
end
return gone
