-- Removes one sighting, and its identity when nothing else belongs to it.
-- KEYS: sighting, purge, then the four of its identity (or none). ARGV: sighting id, identity id the keys belong to or '',
-- actor, op, why. Answers {'gone', position} | {'retry', living identity or ''} | {'ok', position}.
local skey, pkey, sid, given, actor, op = KEYS[FIRST], KEYS[FIRST + 1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if redis.call('EXISTS', skey) == 0 then return { 'gone', last_position() } end
local id = resolve(redis.call('HGET', skey, 'identity_id') or nil)
if (id or '') ~= given then return { 'retry', id or '' } end
if id then give_identity(id, FIRST + 2) end
forget(sid, skey, pkey, id, actor, op)
if id then
  if redis.call('ZCARD', I[id].sightings) == 0 then
    retire(id, actor)
  else
    refresh_active(id)
  end
end
note(actor, op .. '_sighting', sid, '1', ARGV[5])
return { 'ok', last_position() }
