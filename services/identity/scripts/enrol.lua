-- Marks an identity as enrolled, or no longer. KEYS: its four. ARGV: identity id, actor, '1' or ''.
-- Answers {'gone'} | {'ok', position}.
local id = ARGV[1]
give_identity(id, FIRST)
if not lives(id) then return { 'gone' } end
local was, by = enrolled_by(id), {}
if ARGV[3] == '1' then
  by = { id }
  for _, name in ipairs(was) do
    if name ~= id then by[#by + 1] = name end
  end
end
set_enrolled_by(id, by)
if (#was > 0) ~= (#by > 0) then
  emit('identity.enrolled', 'identity_id', id, 'enrolled', ARGV[3] == '1' and '1' or '0', 'actor', ARGV[2])
  note(ARGV[2], ARGV[3] == '1' and 'enrol' or 'unenrol', id, tostring(redis.call('ZCARD', I[id].sightings)))
end
return { 'ok', last_position() }
