-- Which models' vectors a sighting keeps; shared by the scripts that write vectors and standing before each of them, after
-- lib.lua. A site whose model was never changed has no roll, and everything is kept as it comes.

local R = {}
do
  local row = redis.call('HMGET', K.roll, 'stage', 'active_id', 'other_id')
  R.stage, R.active = row[1], row[2]
  -- Beyond these stages the other model is on its way out, or there is none.
  if R.stage == 'shadow' or R.stage == 'switched' then R.other = row[3] end
end

local function wanted(model_id)
  return model_id and model_id ~= '' and (model_id == R.active or model_id == R.other)
end

local function drop_beside(skey)
  redis.call('HSET', skey, 'beside_model_id', '', 'beside_embedding', '', 'beside_exemplars', '')
end

-- Takes out of a stored sighting the vectors of models that the site no longer has; those of its only model stay.
local function settle_vectors(skey)
  if not R.active then return end
  local row = redis.call('HMGET', skey, 'model_id', 'beside_model_id', 'beside_embedding', 'beside_exemplars')
  if not row[2] or row[2] == '' then return end
  if wanted(row[2]) and not wanted(row[1]) then
    redis.call('HSET', skey, 'model_id', row[2], 'embedding', row[3], 'exemplars', row[4])
    drop_beside(skey)
  elseif not wanted(row[2]) or row[2] == row[1] then
    drop_beside(skey)
  end
end
