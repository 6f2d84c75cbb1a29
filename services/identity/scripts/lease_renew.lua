-- Extends a lease that still lives under this token. KEYS: lease. ARGV: token, time to live (ms). Answers 1 or 0.
if redis.call('HGET', KEYS[FIRST], 'token') ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[FIRST], ARGV[2])
