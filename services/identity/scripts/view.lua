-- A view says how far it has followed `events`. ARGV: name, position, '1' to begin or '' to go on.
-- Answers 1, or 0 where it goes on but was dropped meanwhile.
if ARGV[3] == '' and redis.call('HEXISTS', K.views, ARGV[1]) == 0 then return 0 end
redis.call('HSET', K.views, ARGV[1], ARGV[2] .. ' ' .. now_us() .. '000')
return 1
