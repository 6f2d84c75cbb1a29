-- Indexes a page of events that were written before there was an index; each may be done again.
-- KEYS: how far it is, then the index of each identity named. ARGV[1]: JSON {after, until, done ('1' or ''), identities
-- [id]}; the page is what stands after the one position and not after the other, done says that it is the last.
local doc = cjson.decode(ARGV[1])
if redis.call('GET', KEYS[FIRST]) == 'whole' then return 1 end
local index = {}
for i, id in ipairs(doc.identities) do index[id] = KEYS[FIRST + i] end
for _, entry in ipairs(redis.call('XRANGE', K.events, '(' .. doc.after, doc['until'])) do
  for i = 1, #entry[2], 2 do
    local key = NAMES[entry[2][i]] and index[entry[2][i + 1]]
    if key then redis.call('ZADD', key, '0', member(entry[1])) end
  end
end
redis.call('SET', KEYS[FIRST], doc.done == '1' and 'whole' or doc['until'])
return 1
