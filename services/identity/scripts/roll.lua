-- Changes which model's vectors are compared, stage by stage; a step that was made already is answered as made.
-- KEYS: learned state that goes with the one model and with the other (means:<id>), in the order of ARGV[3] and ARGV[5]. The
-- fence is the associator's: what it holds in memory was decided with the former model, so a switch ends its token.
-- ARGV: action, actor, id and name of the model active before the step, id and name of the other, prefix of the links that
-- go with a model, stages that the step starts from.
-- Answers the position, false where the site stands elsewhere.
local action, actor, prefix = ARGV[1], ARGV[2], ARGV[7]
local before, other = { id = ARGV[3], name = ARGV[4] }, { id = ARGV[5], name = ARGV[6] }
local row = redis.call('HMGET', K.roll, 'stage', 'active_id', 'other_id')
local stage, active, second = row[1] or 'none', row[2] or before.id, row[3] or ''

-- Sets the links that go with a model aside and brings back those of the other.
local function swap_means(of_old, of_new)
  local all = redis.call('HGETALL', K.links)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, #prefix) == prefix then
      redis.call('HSET', of_old, all[i], all[i + 1])
      redis.call('HDEL', K.links, all[i])
    end
  end
  local back = redis.call('HGETALL', of_new)
  for i = 1, #back, 2 do redis.call('HSET', K.links, back[i], back[i + 1]) end
  redis.call('DEL', of_new)
end

local function write(to, one, two)
  redis.call('HSET', K.roll, 'stage', to, 'active_id', one.id, 'active_name', one.name, 'other_id', two.id,
    'other_name', two.name, 'changed_at_ns', now_us() .. '000')
  note(actor, 'roll_' .. action, string.sub(one.id, 1, 12), '0', string.sub(two.id, 1, 12))
  emit('model.rolled', 'action', action, 'stage', to, 'model_id', one.id, 'other_model_id', two.id, 'actor', actor)
end

local steps = {
  start = { to = 'shadow', one = before, two = other },
  switch = { to = 'switched', one = other, two = before },
  back = { to = 'shadow', one = other, two = before },
  ['end'] = { to = 'clearing', one = before, two = other },
  done = { to = 'none', one = before, two = { id = '', name = '' } },
}
local step = steps[action]
if stage == step.to and active == step.one.id and second == step.two.id then return last_position() end
local starts = false
for i = 8, #ARGV do starts = starts or stage == ARGV[i] end
if not starts or active ~= before.id or (stage ~= 'none' and second ~= other.id) then return false end
if action == 'start' then redis.call('HSET', K.roll, 'started_at_ns', now_us() .. '000') end
if action == 'switch' or action == 'back' then
  swap_means(KEYS[FIRST], KEYS[FIRST + 1])
  redis.call('INCR', K.fence)
end
if action == 'done' then redis.call('DEL', KEYS[FIRST + 1]) end
write(step.to, step.one, step.two)
return last_position()
