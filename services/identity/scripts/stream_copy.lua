-- Copies a stream without some entries, page by page; the last page puts the copy in its place. Deleted entries stay in the
-- nodes of a stream, so only a fresh stream is free of their bytes. Two at once would fill one copy: the lease forbids it.
-- KEYS: stream, its copy, then the index of each identity that the page names; an entry leaves those that it names no more.
-- ARGV: token, position copied so far ('' to begin), how many, JSON {sightings [id], identities [id]}, JSON [id] of the indexes.
-- Answers {'lost'} | {'more', position copied so far} | {'ok'} when the copy is in place.
local from, to, done = KEYS[FIRST], KEYS[FIRST + 1], ARGV[2]
if not fenced(ARGV[1]) then return { 'lost' } end
if redis.call('EXISTS', from) == 0 then return { 'ok' } end
if done == '' then redis.call('DEL', to) end
local drop = {}
local doc = cjson.decode(ARGV[4])
for _, list in ipairs({ doc.sightings, doc.identities }) do
  for _, id in ipairs(list) do drop[id] = true end
end
local index = {}
for i, id in ipairs(cjson.decode(ARGV[5])) do index[id] = KEYS[FIRST + 1 + i] end
-- By kind of event, the identity that it can lose and still say whose its sightings are, as MAY_LOSE of records.py.
local MAY_LOSE = {
  ['sighting.decided'] = 'previous_identity_id', ['identity.split'] = 'identity_id', ['identity.unmerged'] = 'identity_id',
}

-- A decision without who came second; nil where that one cannot be cut out. Decoded and encoded again its numbers would change.
local function without_runner_up(data)
  if not drop[cjson.decode(data).runner_up] then return data end
  local cut, count = string.gsub(data, '^(.*"runner_up":).*(,"status":"%a+"})$', '%1null%2')
  return count == 1 and cut or nil
end

local function listed(ids)
  local kept = {}
  for _, id in ipairs(cjson.decode(ids)) do
    if not drop[id] then kept[#kept + 1] = id end
  end
  return #kept > 0 and cjson.encode(kept) or '[]'
end

-- The ids that the sightings which stay had been given, '' for one that is to go.
local function former(sightings, given)
  local kept, ids = {}, cjson.decode(given)
  for i, sid in ipairs(cjson.decode(sightings)) do
    if not drop[sid] then kept[#kept + 1] = drop[ids[i]] and '' or ids[i] end
  end
  return #kept > 0 and cjson.encode(kept) or '[]'
end

-- What an entry says without the ids that are to go, nil where nothing is left to say. The lists are those of LIST_FIELDS of
-- records.py. An identity that was restored stays so without sightings, because the merge that it takes back stays too.
local function without(fields)
  local said, left = {}, {}
  for i = 1, #fields, 2 do said[fields[i]] = fields[i + 1] end
  local kind = said.kind
  for i = 1, #fields, 2 do
    local name, value = fields[i], fields[i + 1]
    local lost = (NAMES[name] or name == 'sighting_id') and drop[value]
    if lost and MAY_LOSE[kind] ~= name then return nil end
    if name == 'sighting_ids' or name == 'aliases' then
      value = listed(value)
      if value == '[]' and kind ~= 'identity.unmerged' then return nil end
    elseif name == 'former_ids' then
      value = former(said.sighting_ids, value)
    elseif name == 'data' then
      value = without_runner_up(value)
      if not value then return nil end
    end
    if not lost then
      left[#left + 1] = name
      left[#left + 1] = value
    end
  end
  return left
end
local page = redis.call('XRANGE', from, done == '' and '-' or '(' .. done, '+', 'COUNT', ARGV[3])
for _, entry in ipairs(page) do
  local fields = entry[2]
  for i = 1, #fields, 2 do
    -- It came after the caller had looked at the page.
    if NAMES[fields[i]] and not index[fields[i + 1]] then return { 'more', done } end
  end
  local left = without(fields)
  for i = 1, #fields, 2 do
    if NAMES[fields[i]] and (not left or drop[fields[i + 1]]) then
      redis.call('ZREM', index[fields[i + 1]], member(entry[1]))
    end
  end
  if left then redis.call('XADD', to, entry[1], unpack(left)) end
  done = entry[1]
end
if #page == tonumber(ARGV[3]) then return { 'more', done } end
local info, last = redis.call('XINFO', 'STREAM', from), nil
for i = 1, #info, 2 do
  if info[i] == 'last-generated-id' then last = info[i + 1] end
end
if redis.call('EXISTS', to) == 0 then
  redis.call('XADD', to, last, 'kind', 'empty')
  redis.call('XDEL', to, last)
end
redis.call('XSETID', to, last)
redis.call('RENAME', to, from)
return { 'ok' }
