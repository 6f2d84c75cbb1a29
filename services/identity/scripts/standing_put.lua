-- Stores a standing query. ARGV: id, its text, actor, '1' where only one that is stored already is to be replaced.
-- Answers 1, or 0 where there is none to replace.
local known = redis.call('HEXISTS', K.standing, ARGV[1]) == 1
if ARGV[4] == '1' and not known then return 0 end
redis.call('HSET', K.standing, ARGV[1], ARGV[2])
note(ARGV[3], known and 'change_standing' or 'create_standing', ARGV[1], '0')
return 1
