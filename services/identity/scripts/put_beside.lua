-- Adds what another model makes of a stored revision.
-- KEYS: sighting. ARGV: sighting id, revision, model id, embedding, exemplars.
-- Answers 'ok' | 'stale' (another revision, or gone) | 'held' | 'unwanted' (no model of the site's).
local skey, model_id = KEYS[FIRST], ARGV[3]
local row = redis.call('HMGET', skey, 'revision', 'model_id', 'beside_model_id')
if row[1] ~= ARGV[2] then return 'stale' end
if not wanted(model_id) then return 'unwanted' end
if row[2] == model_id or row[3] == model_id then return 'held' end
if wanted(row[2]) then
  redis.call('HSET', skey, 'beside_model_id', model_id, 'beside_embedding', ARGV[4], 'beside_exemplars', ARGV[5])
else
  redis.call('HSET', skey, 'model_id', model_id, 'embedding', ARGV[4], 'exemplars', ARGV[5])
end
if model_id == R.active then
  emit('sighting.embedded', 'sighting_id', ARGV[1], 'revision', ARGV[2], 'model_id', model_id)
end
return 'ok'
