-- Stores a standing query. ARGV: id, its text, actor. Answers 1.
local known = redis.call('HEXISTS', K.standing, ARGV[1]) == 1
redis.call('HSET', K.standing, ARGV[1], ARGV[2])
note(ARGV[3], known and 'change_standing' or 'create_standing', ARGV[1], '0')
return 1
