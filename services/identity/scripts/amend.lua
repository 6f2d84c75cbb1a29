-- A person's correction: a merge, a split, or one of them taken back. Ends the associator's token: what it holds in memory
-- was decided before the correction, so it must take the state from here again before it commits.
-- KEYS: one per sighting, then four per identity, in the order of ARGV[1]'s lists; the fence is the associator's.
-- ARGV[1]: JSON {change_id, action, actor, reason, undoes or '', sightings [id], identities [id], one, other, status,
--   enrolled ('1' or ''), moved [id] (sightings that the correction names), former {sighting: the id it had been given}};
--   every leaf is text. What one and other are stands at each action below.
-- Answers {'retry'} | {'refused', why, id} | {'ok', position of the event, position of the last event}.
local doc = cjson.decode(ARGV[1])
local last = redis.call('HMGET', K.last_commit, 'amend_id', 'amend_event', 'amend_position')
if last[1] == doc.change_id then return { 'ok', last[2], last[3] } end

local at = give_sightings(doc.sightings, FIRST)
for _, id in ipairs(doc.identities) do at = give_identity(id, at) end
said = { 'actor', doc.actor }
if doc.undoes ~= '' then said = { 'actor', doc.actor, 'undoes', doc.undoes } end

local function living(id)
  local found = resolve(id)
  return found and I[found] and lives(found) and found
end

-- Each answers the position of its event and how many sightings it moved, or nil, why and about whom.
local actions = {}

-- one: who stays, perhaps an alias where a merge is made again; other: who becomes an alias.
function actions.merge()
  local survivor, absorbed = living(doc.one), living(doc.other)
  if survivor == absorbed then return nil, 'one', survivor end
  return absorb(survivor, absorbed, doc.reason, doc.undoes ~= '' and doc.one or survivor)
end

-- one: where the sightings are; other: a fresh id for them.
function actions.split()
  local source = living(doc.one)
  if resolve(doc.other) ~= doc.other or lives(doc.other) then return nil, 'taken', doc.other end
  for _, sid in ipairs(doc.sightings) do
    if identity_of(sid) ~= source then return nil, 'foreign', sid end
  end
  if redis.call('ZCARD', I[source].sightings) <= #doc.sightings then return nil, 'all', source end
  return split(source, doc.other, doc.sightings, doc.reason)
end

-- one: where the sightings were before; other: where a split has put them.
function actions.unsplit()
  local home, now = living(doc.one), living(doc.other)
  if home == now then return nil, 'one', home end
  local position, moved = split(now, home, doc.sightings, doc.reason, doc.former)
  if not position then return nil, 'empty', now end
  settle()
  return position, moved
end

-- one: who absorbed; other: who was absorbed and comes back with what is still of its own, and what the correction names.
function actions.unmerge()
  local survivor, back = living(doc.one), doc.other
  if not I[back] or lives(back) then return nil, 'apart', back end
  if redis.call('HGET', K.parents, back) ~= doc.one then return nil, 'elsewhere', back end
  local names, kept, own = { [back] = true }, {}, {}
  local aliases = redis.call('SMEMBERS', I[survivor].aliases)
  table.sort(aliases)
  for _, alias in ipairs(aliases) do
    local name = alias
    while name and name ~= back do name = redis.call('HGET', K.parents, name) end
    if name and alias ~= back then
      names[alias] = true
      kept[#kept + 1] = alias
    end
  end
  local moved, given = {}, {}
  for _, sid in ipairs(doc.moved) do moved[sid] = true end
  for _, sid in ipairs(doc.sightings) do
    local raw = redis.call('HGET', S[sid], 'identity_id')
    if raw and (names[raw] or moved[sid]) and resolve(raw) == survivor then
      own[#own + 1] = sid
      given[#given + 1] = raw
    end
  end
  if #own == 0 then return nil, 'empty', back end
  redis.call('HDEL', K.alias, back)
  redis.call('HDEL', K.parents, back)
  redis.call('SREM', I[survivor].aliases, back)
  redis.call('HSET', I[back].hash, 'status', doc.status)
  local theirs, ours = {}, {}
  for _, name in ipairs(enrolled_by(survivor)) do
    local to = names[name] and theirs or ours
    to[#to + 1] = name
  end
  local survivor_ends = #ours == 0 and #theirs > 0
  -- Merges by older versions did not note by which id the survivor became enrolled.
  if doc.enrolled == '1' and #theirs == 0 and #ours > 0 then theirs = { back } end
  set_enrolled_by(back, theirs)
  set_enrolled_by(survivor, ours)
  for _, alias in ipairs(kept) do
    redis.call('HSET', K.alias, alias, back)
    redis.call('SREM', I[survivor].aliases, alias)
    redis.call('SADD', I[back].aliases, alias)
  end
  for i, sid in ipairs(own) do
    if not names[given[i]] then redis.call('HSET', S[sid], 'identity_id', back) end
    redis.call('ZREM', I[survivor].sightings, sid)
    redis.call('ZADD', I[back].sightings, to_us(redis.call('HGET', S[sid], 'end_ns')), sid)
  end
  refresh_active(back)
  refresh_active(survivor)
  if #doc.moved > 0 then
    said[#said + 1] = 'former_ids'
    said[#said + 1] = cjson.encode(given)
  end
  if #kept > 0 then
    said[#said + 1] = 'aliases'
    said[#said + 1] = cjson.encode(kept)
  end
  if #theirs > 0 then
    said[#said + 1] = 'enrolled'
    said[#said + 1] = '1'
  end
  if survivor_ends then
    said[#said + 1] = 'survivor_enrolled'
    said[#said + 1] = '0'
  end
  local position = emit('identity.unmerged', 'identity_id', survivor, 'restored_id', back, 'sighting_ids',
    cjson.encode(own), 'status', doc.status, 'reason', doc.reason, unpack(said))
  if redis.call('ZCARD', I[survivor].sightings) == 0 then
    said = { 'actor', doc.actor }
    absorb(back, survivor, 'emptied')
  end
  return position, #own
end

for _, id in ipairs({ doc.one, doc.other }) do
  local fresh = (doc.action == 'split' or doc.action == 'unmerge') and id == doc.other
  if not fresh then
    if unknown(id) then return { 'retry' } end
    if not living(id) then return { 'refused', 'unknown', id } end
  end
end
for _, sid in ipairs(doc.sightings) do
  if unknown(redis.call('HGET', S[sid], 'identity_id') or nil) then return { 'retry' } end
end
local done = { actions[doc.action]() }
local event, moved = done[1], done[2] or 0
if not event then return { 'refused', done[2], done[3] } end
redis.call('INCR', K.fence)
for _, id in ipairs({ doc.one, doc.other }) do
  local found = living(id)
  if found then redis.call('SADD', K.corrected, found) end
end
note(doc.actor, doc.undoes == '' and doc.action or 'undo', doc.one, tostring(moved), doc.other .. ' ' .. event)
local position = last_position()
redis.call('HSET', K.last_commit, 'amend_id', doc.change_id, 'amend_event', event, 'amend_position', position)
return { 'ok', event, position }
