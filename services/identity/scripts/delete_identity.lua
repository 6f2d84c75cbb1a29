-- Removes sightings of an identity, and the identity once none is left.
-- KEYS: the four of the identity, then sighting and purge per sighting. ARGV: identity id, actor, op, why, sighting id,
-- ...
-- Answers {'gone', position} | {'more', position} | {'ok', position}.
local id, actor, op, why = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local at = give_identity(id, FIRST)
if not lives(id) then return { 'gone', last_position() } end
local count = 0
for i = 5, #ARGV do
  if redis.call('ZSCORE', I[id].sightings, ARGV[i]) then
    forget(ARGV[i], KEYS[at + 2 * (i - 5)], KEYS[at + 2 * (i - 5) + 1], id, actor, op)
    count = count + 1
  end
end
note(actor, op .. '_identity', id, tostring(count), why)
if redis.call('ZCARD', I[id].sightings) > 0 then
  refresh_active(id)
  return { 'more', last_position() }
end
retire(id, actor)
return { 'ok', last_position() }
