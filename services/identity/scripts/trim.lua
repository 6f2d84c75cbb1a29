-- Cuts off what nobody needs any more, but for events (trim_events.lua). ARGV: tombstones before (us), audit before
-- ('<ms>-0'), at most so many retired ids. Answers how many entries of sightings and audit went.
local gone = {
  redis.call('XTRIM', K.work, 'MINID', '=', redis.call('GET', K.cursor) or '0-0'),
  redis.call('XTRIM', K.audit, 'MINID', '=', ARGV[2]),
}
redis.call('ZREMRANGEBYSCORE', K.tombstones, '-inf', ARGV[1])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', K.retired, '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  if redis.call('HGET', K.alias, id) == '' then redis.call('HDEL', K.alias, id) end
  redis.call('ZREM', K.retired, id)
end
return gone
