-- Marks an identity as enrolled, or no longer. KEYS: its four. ARGV: identity id, actor, '1' or ''.
-- Answers {'gone'} | {'ok', position}.
local id = ARGV[1]
give_identity(id, FIRST)
if not lives(id) then return { 'gone' } end
enrol(id, ARGV[2], ARGV[3] == '1')
return { 'ok', last_position() }
