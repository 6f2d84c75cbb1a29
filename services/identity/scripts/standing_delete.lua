-- Removes a standing query with its alerts. ARGV: id, actor. Answers 1, or 0 where there is none.
if redis.call('HDEL', K.standing, ARGV[1]) == 0 then return 0 end
local head, own = ARGV[1] .. ':', {}
for _, name in ipairs(redis.call('ZRANGE', K.alerts_newest, 0, -1)) do
  if string.sub(name, 1, #head) == head then own[#own + 1] = name end
end
forget_alerts(own)
note(ARGV[2], 'delete_standing', ARGV[1], '0')
return 1
