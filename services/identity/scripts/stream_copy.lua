-- Copies a stream without some entries, page by page; the last page puts the copy in its place. Deleted entries stay in the
-- nodes of a stream, so only a fresh stream is free of their bytes. Two at once would fill one copy: the lease forbids it.
-- KEYS: stream, its copy, then the index of each identity that the page names; an entry that goes leaves them. ARGV: token,
-- position copied so far ('' to begin), how many, JSON {sightings [id], identities [id]}, JSON [id] of the indexes. Answers {'lost'} | {'more', position copied so far} | {'ok'} when the copy is in place.
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
-- The lists are those of LIST_FIELDS of records.py. Whether an entry tells of what is to go; of a list only the ids that are to go are taken out. An identity that was
-- restored stays so without sightings, because the merge that it takes back stays too.
local function concerns(fields)
  local restores = false
  for i = 1, #fields, 2 do
    if fields[i] == 'kind' then restores = fields[i + 1] == 'identity.unmerged' end
  end
  for i = 1, #fields, 2 do
    if (NAMES[fields[i]] or fields[i] == 'sighting_id') and drop[fields[i + 1]] then return true end
    if fields[i] == 'sighting_ids' or fields[i] == 'aliases' then
      local kept = {}
      for _, id in ipairs(cjson.decode(fields[i + 1])) do
        if not drop[id] then kept[#kept + 1] = id end
      end
      if #kept == 0 and not restores then return true end
      fields[i + 1] = #kept == 0 and '[]' or cjson.encode(kept)
    end
  end
  return false
end
local page = redis.call('XRANGE', from, done == '' and '-' or '(' .. done, '+', 'COUNT', ARGV[3])
for _, entry in ipairs(page) do
  local fields = entry[2]
  for i = 1, #fields, 2 do
    -- It came after the caller had looked at the page.
    if NAMES[fields[i]] and not index[fields[i + 1]] then return { 'more', done } end
  end
  if concerns(fields) then
    for i = 1, #fields, 2 do
      if NAMES[fields[i]] then redis.call('ZREM', index[fields[i + 1]], member(entry[1])) end
    end
  else
    redis.call('XADD', to, entry[1], unpack(fields))
  end
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
