-- How identities change; shared by the scripts that change them and standing before each of them, after lib.lua.

-- sighting id -> its key, for those that the caller gave
local S = {}

local function give_sightings(ids, at)
  for _, sid in ipairs(ids) do S[sid] = KEYS[at]; at = at + 1 end
  return at
end

-- What the events of this script say beside what happened: who asked for it and which event it takes back.
local said = {}

local function identity_of(sid) return resolve(redis.call('HGET', S[sid], 'identity_id') or nil) end
local function unknown(id) local living = resolve(id); return living and not I[living] end

-- Identities that a sighting left, in order, and the last sighting that left each.
local left, leaver = {}, {}

-- A sighting that stays keeps the id it was given, perhaps an alias by now: taking a merge back needs to know it.
local function move(sid, to)
  local from = identity_of(sid)
  if from and from ~= to then
    redis.call('ZREM', I[from].sightings, sid)
    refresh_active(from)
    if not leaver[from] then left[#left + 1] = from end
    leaver[from] = sid
  end
  redis.call('ZADD', I[to].sightings, to_us(redis.call('HGET', S[sid], 'end_ns')), sid)
  if from ~= to then redis.call('HSET', S[sid], 'identity_id', to) end
  refresh_active(to)
  return from ~= to and from or nil
end

-- by: by which of its ids the survivor absorbs, nil for its own. An undo of that one's merge takes the absorbed along.
local function absorb(survivor, absorbed, reason, by)
  local keep, gone = I[survivor], I[absorbed]
  local status, enrolled = redis.call('HGET', gone.hash, 'status'), enrolled_by(absorbed)
  local aliases = redis.call('SMEMBERS', gone.aliases)
  redis.call('ZUNIONSTORE', keep.sightings, 2, keep.sightings, gone.sightings, 'AGGREGATE', 'MAX')
  redis.call('SADD', keep.aliases, absorbed)
  redis.call('HSET', K.alias, absorbed, survivor)
  redis.call('HSET', K.parents, absorbed, by or survivor)
  for _, alias in ipairs(aliases) do
    redis.call('HSET', K.alias, alias, survivor)
    redis.call('SADD', keep.aliases, alias)
  end
  local rest = { 'absorbed_status', status }
  if #enrolled > 0 then
    for _, name in ipairs(enrolled_by(survivor)) do enrolled[#enrolled + 1] = name end
    set_enrolled_by(survivor, enrolled)
    rest[#rest + 1] = 'absorbed_enrolled'
    rest[#rest + 1] = '1'
  end
  for _, part in ipairs(said) do rest[#rest + 1] = part end
  redis.call('DEL', gone.hash, gone.sightings, gone.aliases)
  redis.call('ZREM', K.active, absorbed)
  if redis.call('SREM', K.corrected, absorbed) == 1 then redis.call('SADD', K.corrected, survivor) end
  refresh_active(survivor)
  return emit('identity.merged', 'survivor_id', by or survivor, 'absorbed_id', absorbed, 'reason', reason, unpack(rest))
end

-- Identities left empty become aliases of where their last sighting went.
local function settle()
  for _, id in ipairs(left) do
    if lives(id) and redis.call('ZCARD', I[id].sightings) == 0 then
      local target = identity_of(leaver[id])
      if target and target ~= id then absorb(target, id, 'emptied') end
    end
  end
  left, leaver = {}, {}
end

-- Gives a stored revision to an identity, which begins with it where it does not live yet.
local function assign(sid, revision, id, status, body)
  if not lives(id) then
    emit('identity.created', 'identity_id', id)
  end
  redis.call('HSET', I[id].hash, 'status', status)
  local from = move(sid, id)
  if from then
    emit('sighting.decided', 'sighting_id', sid, 'revision', revision, 'identity_id', id, 'data', body,
      'previous_identity_id', from)
  else
    emit('sighting.decided', 'sighting_id', sid, 'revision', revision, 'identity_id', id, 'data', body)
  end
end

-- Marks a living identity as enrolled, by all of its ids, or no longer by any.
local function enrol(id, actor, enrolled)
  local was = #enrolled_by(id) > 0
  local by = enrolled and redis.call('SMEMBERS', I[id].aliases) or {}
  if enrolled then by[#by + 1] = id end
  set_enrolled_by(id, by)
  if was == enrolled then return end
  emit('identity.enrolled', 'identity_id', id, 'enrolled', enrolled and '1' or '0', 'actor', actor)
  note(actor, enrolled and 'enrol' or 'unenrol', id, tostring(redis.call('ZCARD', I[id].sightings)))
end

-- former: sighting id -> the id that it is given where that is an alias of where it goes, or nil. Answers the position of
-- its event and how many went, or nothing where none does.
local function split(id, fresh, sids, reason, former)
  local source = resolve(id)
  if not source or source == fresh or not lives(source) or redis.call('HEXISTS', K.alias, fresh) == 1 then return end
  local leaving, seen = {}, {}
  for _, sid in ipairs(sids) do
    if not seen[sid] and identity_of(sid) == source then leaving[#leaving + 1] = sid end
    seen[sid] = true
  end
  if #leaving == 0 then return end
  redis.call('HSETNX', I[fresh].hash, 'status', 'new')
  local given, by_alias, picture = {}, false, false
  local enrolled = #enrolled_by(source) > 0
  for i, sid in ipairs(leaving) do
    given[i] = redis.call('HGET', S[sid], 'identity_id')
    by_alias = by_alias or given[i] ~= source
    picture = picture or redis.call('HGET', S[sid], 'camera_id') == 'enrolled'
    move(sid, fresh)
    local own = former and former[sid]
    if own and resolve(own) == fresh then redis.call('HSET', S[sid], 'identity_id', own) end
  end
  local rest = by_alias and { 'former_ids', cjson.encode(given) } or {}
  -- A picture that was enrolled (ENROLLED_CAMERA of types.py) stays so with whom it comes to; what goes back takes along
  -- what its identity was.
  if enrolled and picture and not former then
    local by = { fresh }
    for _, name in ipairs(enrolled_by(fresh)) do
      if name ~= fresh then by[#by + 1] = name end
    end
    set_enrolled_by(fresh, by)
    rest[#rest + 1] = 'enrolled'
    rest[#rest + 1] = '1'
  end
  for _, part in ipairs(said) do rest[#rest + 1] = part end
  return emit('identity.split', 'identity_id', source, 'new_identity_id', fresh, 'sighting_ids', cjson.encode(leaving),
    'reason', reason, unpack(rest)), #leaving
end
