-- Extends a lease that still lives under this token. KEYS: lease. ARGV: token, time to live (ms), how long the
-- fence stands (ms), '' for ever. Answers 1 or 0.
if redis.call('HGET', KEYS[FIRST], 'token') ~= ARGV[1] then return 0 end
if ARGV[3] ~= '' then redis.call('PEXPIRE', K.fence, ARGV[3]) end
return redis.call('PEXPIRE', KEYS[FIRST], ARGV[2])
