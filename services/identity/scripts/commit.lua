-- Applies decisions, merges, splits, links and cursor in one step.
-- KEYS: one per sighting, then four per identity, in the order of ARGV[1]'s lists.
-- ARGV[1]: JSON {token, commit_id, cursor or '', links [[name, state]], sightings [id], identities [id],
--   decisions [[sighting, revision, identity, status, body JSON]], merges [[survivor, absorbed, reason]],
--   splits [[identity, new identity, [sighting], reason]]}; every leaf is text.
-- Answers {'lost'} | {'retry'} | {'ok', applied, stale, position}; applied and stale are ids joined by line feeds.
local doc = cjson.decode(ARGV[1])
if not fenced(doc.token) then return { 'lost' } end
local last = redis.call('HMGET', K.last_commit, 'commit_id', 'applied', 'stale', 'position')
if last[1] == doc.commit_id then return { 'ok', last[2], last[3], last[4] } end

local at = give_sightings(doc.sightings, FIRST)
for _, id in ipairs(doc.identities) do at = give_identity(id, at) end

for _, d in ipairs(doc.decisions) do
  if unknown(d[3]) or unknown(redis.call('HGET', S[d[1]], 'identity_id') or nil) then return { 'retry' } end
end
for _, m in ipairs(doc.merges) do
  if unknown(m[1]) or unknown(m[2]) then return { 'retry' } end
end
for _, s in ipairs(doc.splits) do
  if unknown(s[1]) or unknown(s[2]) then return { 'retry' } end
end

local function decide(sid, revision, wanted, status, body)
  if redis.call('HGET', S[sid], 'revision') ~= revision then return false end
  local id = resolve(wanted)
  if not id then
    queue(sid, revision, 'put')
    return false
  end
  assign(sid, revision, id, status, body)
  return true
end

local function merge(one, other, reason)
  local survivor, absorbed = resolve(one), resolve(other)
  if survivor and absorbed and survivor ~= absorbed and lives(survivor) and lives(absorbed) then
    absorb(survivor, absorbed, reason)
  end
end

local applied, stale = {}, {}
for _, d in ipairs(doc.decisions) do
  local into = decide(d[1], d[2], d[3], d[4], d[5]) and applied or stale
  into[#into + 1] = d[1]
end
settle()
for _, m in ipairs(doc.merges) do merge(m[1], m[2], m[3]) end
for _, s in ipairs(doc.splits) do split(s[1], s[2], s[3], s[4]) end
settle()
for _, link in ipairs(doc.links) do redis.call('HSET', K.links, link[1], link[2]) end
if doc.cursor ~= '' and after(doc.cursor, redis.call('GET', K.cursor) or '0-0') then
  redis.call('SET', K.cursor, doc.cursor)
end
local position = last_position()
local did, did_not = table.concat(applied, '\n'), table.concat(stale, '\n')
redis.call('HSET', K.last_commit, 'commit_id', doc.commit_id, 'applied', did, 'stale', did_not, 'position', position)
return { 'ok', did, did_not, position }
