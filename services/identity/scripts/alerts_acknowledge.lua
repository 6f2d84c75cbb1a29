-- Takes note of alerts. ARGV: actor, alert ids. Answers how many nobody had taken note of.
local done = 0
for n = 2, #ARGV do
  if redis.call('ZREM', K.alerts_open, ARGV[n]) == 1 then
    redis.call('HSET', K.alerts_acknowledged, ARGV[n], now_us() .. '000 ' .. ARGV[1])
    done = done + 1
  end
end
if done > 0 then note(ARGV[1], 'acknowledge_alerts', ARGV[2], tostring(done)) end
return done
