-- Shared by all scripts; stands before each of them. Every key comes through KEYS: first those below, in this order
-- (Keys.fixed), from FIRST on those of the sightings and identities that a script touches.
--
--   sighting:<id>            hash    newest revision; identity_id as assigned, put_at_ns, log_position; beside_*: vectors of
--                                    a second model
--   purge:<id>               hash    a deleted sighting whose traces are still held: wait:<holder> for each holder
--   identity:<id>            hash    status, enrolled (JSON [id]: its own, or such as were merged into it)
--   identity:<id>:sightings  zset    member sighting id, score end (us)
--   identity:<id>:aliases    set     ids merged into it
--   identity:<id>:events     zset    positions of the events that name it, by name; outlives the identity
--
-- A script reads and checks first and writes after, because nothing is rolled back. When it meets an identity whose keys
-- it was not given, it answers 'retry' before writing anything, and the caller asks again with those keys. Numbers beyond
-- 2^53 and decimals travel as text: Lua's numbers are doubles and cjson keeps 14 digits. JSON is only read here, never
-- written except for arrays that cannot be empty, because cjson writes an empty array as an object.

local K = {
  events = KEYS[1], work = KEYS[2], alias = KEYS[3], active = KEYS[4], timeline = KEYS[5], provisional = KEYS[6],
  tombstones = KEYS[7], audit = KEYS[8], links = KEYS[9], cursor = KEYS[10], last_commit = KEYS[11], fence = KEYS[12],
  outbox = KEYS[13], views = KEYS[14], retired = KEYS[15],
  parents = KEYS[16], standing = KEYS[17], alerts = KEYS[18], alerts_newest = KEYS[19], alerts_open = KEYS[20],
  alerts_acknowledged = KEYS[21], roll = KEYS[22], corrected = KEYS[23],
}
local FIRST = 24

-- identity id -> its four keys, for those that the caller gave
local I = {}

local function give_identity(id, at)
  I[id] = { hash = KEYS[at], sightings = KEYS[at + 1], aliases = KEYS[at + 2], events = KEYS[at + 3] }
  return at + 4
end

local function now_us()
  local t = redis.call('TIME')
  return t[1] .. string.format('%06d', tonumber(t[2]))
end

local function to_us(ns)
  local us = string.sub(ns, 1, -4)
  return us == '' and '0' or us
end

local function fenced(token)
  return redis.call('GET', K.fence) == token
end

-- What of an event names an identity, as IDENTITY_FIELDS of records.py.
local NAMES = {
  identity_id = true, previous_identity_id = true, survivor_id = true, absorbed_id = true, new_identity_id = true,
  restored_id = true,
}

-- A position as it stands in an index, where order is that of names: as member() of log/redis.py.
local function member(position)
  local ms, n = string.match(position, '^(%d+)-(%d+)$')
  return string.rep('0', 16 - #ms) .. ms .. '-' .. string.rep('0', 10 - #n) .. n
end

-- Every identity that an event names finds it again in its index.
local function emit(kind, ...)
  local position = redis.call('XADD', K.events, '*', 'kind', kind, 'at_ns', now_us() .. '000', ...)
  local fields = { ... }
  for i = 1, #fields, 2 do
    local own = NAMES[fields[i]] and I[fields[i + 1]]
    if own then redis.call('ZADD', own.events, '0', member(position)) end
  end
  return position
end

local function queue(sid, revision, op, trace)
  if trace and trace ~= '' then
    redis.call('XADD', K.work, '*', 'sighting_id', sid, 'revision', revision, 'op', op, 'trace', trace)
  else
    redis.call('XADD', K.work, '*', 'sighting_id', sid, 'revision', revision, 'op', op)
  end
end

local function note(actor, action, subject, count, detail)
  redis.call('XADD', K.audit, '*', 'at_ns', now_us() .. '000', 'actor', actor, 'action', action, 'subject', subject,
    'sightings', count, 'detail', detail or '')
end

local function last_position()
  if redis.call('EXISTS', K.events) == 0 then return '0-0' end
  local info = redis.call('XINFO', 'STREAM', K.events)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end

-- Position a stands after position b ('<ms>-<n>' each).
local function after(a, b)
  local a_ms, a_n = string.match(a, '^(%d+)-?(%d*)$')
  local b_ms, b_n = string.match(b, '^(%d+)-?(%d*)$')
  if tonumber(a_ms) ~= tonumber(b_ms) then return tonumber(a_ms) > tonumber(b_ms) end
  return (tonumber(a_n) or 0) > (tonumber(b_n) or 0)
end

-- The id behind an alias, the id itself when it is none, nil when it was deleted.
local function resolve(id)
  if not id then return nil end
  local living = redis.call('HGET', K.alias, id)
  if living == '' then return nil end
  return living or id
end

local function lives(id)
  return redis.call('EXISTS', I[id].hash) == 1
end

-- By which of its ids an identity is enrolled. Older versions wrote '1' for its own.
local function enrolled_by(id)
  local by = redis.call('HGET', I[id].hash, 'enrolled')
  if by == '1' then return { id } end
  return by and cjson.decode(by) or {}
end

local function set_enrolled_by(id, names)
  if #names > 0 then
    redis.call('HSET', I[id].hash, 'enrolled', cjson.encode(names))
  else
    redis.call('HDEL', I[id].hash, 'enrolled')
  end
end

local function refresh_active(id)
  local top = redis.call('ZREVRANGE', I[id].sightings, 0, 0, 'WITHSCORES')
  if top[2] then redis.call('ZADD', K.active, top[2], id) end
end

-- Queues a stored revision for a decision and tells of it.
local function announce(sid, skey, trace)
  local row = redis.call('HMGET', skey, 'revision', 'final', 'camera_id')
  queue(sid, row[1], 'put', trace)
  local position = emit('sighting.put', 'sighting_id', sid, 'revision', row[1], 'final', row[2], 'camera_id', row[3])
  redis.call('HSET', skey, 'log_position', position)
  return position
end

-- Ends an identity without sightings: its id and aliases resolve to nothing from now on.
local function retire(id, actor)
  local names = redis.call('SMEMBERS', I[id].aliases)
  names[#names + 1] = id
  for _, name in ipairs(names) do
    redis.call('HSET', K.alias, name, '')
    redis.call('HDEL', K.parents, name)
    redis.call('ZADD', K.retired, now_us(), name)
  end
  redis.call('DEL', I[id].hash, I[id].sightings, I[id].aliases)
  redis.call('ZREM', K.active, id)
  redis.call('SREM', K.corrected, id)
  emit('identity.deleted', 'identity_id', id, 'actor', actor)
end

-- Forgets those of these alerts that there are. Lua passes some thousand arguments at most.
local function forget_alerts(names)
  for first = 1, #names, 1000 do
    local last = math.min(first + 999, #names)
    if redis.call('HDEL', K.alerts, unpack(names, first, last)) > 0 then
      redis.call('ZREM', K.alerts_newest, unpack(names, first, last))
      redis.call('ZREM', K.alerts_open, unpack(names, first, last))
      redis.call('HDEL', K.alerts_acknowledged, unpack(names, first, last))
    end
  end
end

-- Every alert that a sighting can have raised; the queries are asked for once.
local queries
local function alerts_of(sid)
  queries = queries or redis.call('HKEYS', K.standing)
  local names = {}
  for n, standing in ipairs(queries) do names[n] = standing .. ':' .. sid end
  return names
end

-- Removes one stored sighting with its alerts; id is the identity it belongs to or nil, op 'expire', 'delete' or 'erase'. Whoever holds
-- something of it finds it in the outbox until it has said that it holds nothing any more.
local function forget(sid, skey, pkey, id, actor, op)
  local row = redis.call('HMGET', skey, 'revision', 'crop_keys')
  queue(sid, row[1], 'delete')
  redis.call('DEL', skey)
  redis.call('ZREM', K.timeline, sid)
  redis.call('ZREM', K.provisional, sid)
  redis.call('ZADD', K.tombstones, now_us(), sid)
  forget_alerts(alerts_of(sid))
  local waits = {}
  for _, view in ipairs(redis.call('HKEYS', K.views)) do waits[#waits + 1] = view end
  if row[2] and row[2] ~= '[]' then waits[#waits + 1] = 'crops' end
  if op == 'erase' then waits[#waits + 1] = 'server' end
  if #waits > 0 then
    for _, holder in ipairs(waits) do redis.call('HSET', pkey, 'wait:' .. holder, '1') end
    redis.call('HSET', pkey, 'at_ns', now_us() .. '000', 'op', op, 'actor', actor, 'crop_keys', row[2] or '[]',
      'identity_id', id or '')
    redis.call('ZADD', K.outbox, now_us(), sid)
  end
  if id then
    redis.call('ZREM', I[id].sightings, sid)
    emit('sighting.deleted', 'sighting_id', sid, 'identity_id', id, 'actor', actor)
  else
    emit('sighting.deleted', 'sighting_id', sid, 'actor', actor)
  end
end
