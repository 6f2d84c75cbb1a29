-- Removes sightings that are past their retention, and identities that are left without any.
-- KEYS: sighting and purge per sighting, then four per identity, in the order of ARGV[1]'s lists.
-- ARGV[1]: JSON {before_us, enrolled_before_us, actor, sightings [id], identities [id]}; every leaf is text; a sighting of
-- an enrolled identity goes only when it ended before the second, one that is still in view not at all. Answers {'retry'} |
-- {'ok', how many went}.
local doc = cjson.decode(ARGV[1])
local keys, at = {}, FIRST
for _, sid in ipairs(doc.sightings) do keys[sid] = { KEYS[at], KEYS[at + 1] }; at = at + 2 end
for _, id in ipairs(doc.identities) do at = give_identity(id, at) end
local before, enrolled_before = tonumber(doc.before_us), tonumber(doc.enrolled_before_us)

local function owner(sid) return resolve(redis.call('HGET', keys[sid][1], 'identity_id') or nil) end
for _, sid in ipairs(doc.sightings) do
  local id = owner(sid)
  if id and not I[id] then return { 'retry' } end
end
local gone = 0
for _, sid in ipairs(doc.sightings) do
  local ended = tonumber(redis.call('ZSCORE', K.timeline, sid) or math.huge)
  local id = owner(sid)
  local bound = before
  if id and redis.call('HGET', I[id].hash, 'enrolled') then bound = enrolled_before end
  if ended < bound and not redis.call('ZSCORE', K.provisional, sid) then
    forget(sid, keys[sid][1], keys[sid][2], id, doc.actor, 'expire')
    gone = gone + 1
    if id and redis.call('ZCARD', I[id].sightings) == 0 then
      retire(id, doc.actor)
    elseif id then
      refresh_active(id)
    end
  end
end
return { 'ok', gone }
