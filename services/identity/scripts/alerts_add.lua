-- Adds alerts that are new and remembers how far `events` was read for them.
-- KEYS: the position, then the sighting of each alert. ARGV: position, most alerts kept, then of each alert standing query,
-- id, time (us), text. Answers how many were added.
local added = 0
for n = 1, (#ARGV - 2) / 4 do
  local standing, name, at, text = unpack(ARGV, 4 * n - 1, 4 * n + 2)
  if redis.call('HEXISTS', K.standing, standing) == 1 and redis.call('EXISTS', KEYS[FIRST + n]) == 1
    and redis.call('HSETNX', K.alerts, name, text) == 1 then
    redis.call('ZADD', K.alerts_newest, at, name)
    redis.call('ZADD', K.alerts_open, at, name)
    added = added + 1
  end
end
forget_alerts(redis.call('ZRANGE', K.alerts_newest, 0, -tonumber(ARGV[2]) - 1))
redis.call('SET', KEYS[FIRST], ARGV[1])
return added
