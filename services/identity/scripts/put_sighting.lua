-- Stores a revision and queues it.
-- KEYS: sighting, then the four of its identity (or none). ARGV: token, sighting id, revision, final, end_ns,
-- traceparent or '', identity id the keys belong to or '', then field, value, ...
-- Answers {'lost'} | {'old', position} | {'retry', living identity} | {'ok', position}.
local skey, sid, revision, end_us, given = KEYS[FIRST], ARGV[2], ARGV[3], to_us(ARGV[5]), ARGV[7]
if not fenced(ARGV[1]) then return { 'lost' } end
if redis.call('ZSCORE', K.tombstones, sid) then return { 'old', last_position() } end
local have = redis.call('HMGET', skey, 'revision', 'identity_id', 'log_position')
if have[1] and tonumber(have[1]) >= tonumber(revision) then return { 'old', have[3] } end
local id = resolve(have[2])
if id and id ~= given then return { 'retry', id } end

for i = 8, #ARGV, 2 do redis.call('HSET', skey, ARGV[i], ARGV[i + 1]) end
settle_vectors(skey)
redis.call('HSET', skey, 'put_at_ns', now_us() .. '000')
redis.call('ZADD', K.timeline, end_us, sid)
if ARGV[4] == '1' then
  redis.call('ZREM', K.provisional, sid)
else
  redis.call('ZADD', K.provisional, now_us(), sid)
end
if id then
  give_identity(id, FIRST + 1)
  redis.call('ZADD', I[id].sightings, end_us, sid)
  refresh_active(id)
end
return { 'ok', announce(sid, skey, ARGV[6]) }
