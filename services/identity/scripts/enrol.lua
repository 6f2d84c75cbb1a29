-- Marks an identity as enrolled, or no longer. KEYS: its four. ARGV: identity id, actor, '1' or ''.
-- Answers {'gone'} | {'ok', position}.
local id = ARGV[1]
give_identity(id, FIRST)
if not lives(id) then return { 'gone' } end
local was = redis.call('HGET', I[id].hash, 'enrolled') or ''
if was ~= ARGV[3] then
  if ARGV[3] == '1' then
    redis.call('HSET', I[id].hash, 'enrolled', '1')
  else
    redis.call('HDEL', I[id].hash, 'enrolled')
  end
  emit('identity.enrolled', 'identity_id', id, 'enrolled', ARGV[3] == '1' and '1' or '0', 'actor', ARGV[2])
  note(ARGV[2], ARGV[3] == '1' and 'enrol' or 'unenrol', id, tostring(redis.call('ZCARD', I[id].sightings)))
end
return { 'ok', last_position() }
