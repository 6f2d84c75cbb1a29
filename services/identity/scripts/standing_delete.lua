-- Removes a standing query with its alerts. ARGV: id, actor. Answers 1, or 0 where there is none.
if redis.call('HDEL', K.standing, ARGV[1]) == 0 then return 0 end
local head = ARGV[1] .. ':'
for _, name in ipairs(redis.call('ZRANGE', K.alerts_newest, 0, -1)) do
  if string.sub(name, 1, #head) == head then forget_alert(name) end
end
note(ARGV[2], 'delete_standing', ARGV[1], '0')
return 1
