-- Stores a revision and queues it; with a decision it also says whose it is, and enrols that identity where asked.
-- KEYS: sighting, then four per identity. ARGV: token, sighting id, revision, final, end_ns, traceparent or '', identity id
-- decided for or '', status and body JSON of the decision, who enrols or '', how many identities the keys belong to, their
-- ids, then field, value, ...
-- Answers {'lost'} | {'old', position} | {'gone', position} (the identity decided for) | {'retry', living identity} |
-- {'ok', position}.
local skey, sid, revision, end_us, given = KEYS[FIRST], ARGV[2], ARGV[3], to_us(ARGV[5]), ARGV[7]
local fields = 12 + tonumber(ARGV[11])
local at = FIRST + 1
for i = 12, fields - 1 do at = give_identity(ARGV[i], at) end
if not fenced(ARGV[1]) then return { 'lost' } end
if redis.call('ZSCORE', K.tombstones, sid) then return { 'old', last_position() } end
local have = redis.call('HMGET', skey, 'revision', 'identity_id', 'log_position')
if have[1] and tonumber(have[1]) >= tonumber(revision) then return { 'old', have[3] } end
local id, target = resolve(have[2]), nil
if id and not I[id] then return { 'retry', id } end
if given ~= '' then
  target = resolve(given)
  if not target then return { 'gone', last_position() } end
  if not I[target] then return { 'retry', target } end
end

for i = fields, #ARGV, 2 do redis.call('HSET', skey, ARGV[i], ARGV[i + 1]) end
settle_vectors(skey)
redis.call('HSET', skey, 'put_at_ns', now_us() .. '000')
redis.call('ZADD', K.timeline, end_us, sid)
if ARGV[4] == '1' then
  redis.call('ZREM', K.provisional, sid)
else
  redis.call('ZADD', K.provisional, now_us(), sid)
end
if id then
  redis.call('ZADD', I[id].sightings, end_us, sid)
  refresh_active(id)
end
local position = announce(sid, skey, ARGV[6])
if target then
  S[sid] = skey
  assign(sid, revision, target, ARGV[8], ARGV[9])
  settle()
  if ARGV[10] ~= '' then enrol(target, ARGV[10], true) end
  position = last_position()
end
return { 'ok', position }
