-- Gives back a lease that still lives under this token. KEYS: lease. ARGV: token. Answers 1 or 0.
if redis.call('HGET', KEYS[FIRST], 'token') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[FIRST])
