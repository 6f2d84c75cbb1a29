-- Takes a lease with a token larger than any before. KEYS: lease. ARGV: owner, time to live (ms), how long the
-- fence stands (ms), '' for ever. Answers the token or 0.
local owner = redis.call('HGET', KEYS[FIRST], 'owner')
if owner and owner ~= ARGV[1] then return 0 end
local token = redis.call('INCR', K.fence)
redis.call('HSET', KEYS[FIRST], 'owner', ARGV[1], 'token', token)
redis.call('PEXPIRE', KEYS[FIRST], ARGV[2])
if ARGV[3] ~= '' then redis.call('PEXPIRE', K.fence, ARGV[3]) end
return token
