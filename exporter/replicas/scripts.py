"""What Redis does in one step. Every script that writes looks first whose the lease is: that is the fence.

A replica that was stopped for a minute and goes on cannot write a thing, whatever it believes. The time is the server's
unless the caller gives one. `allow-oom` lets a lease be kept when Redis is full, so that the account has one owner, and
whatever comes before the lease in a tick. The others are refused as a whole then.
"""

_NOW = """
local function now(given)
  if tonumber(given) > 0 then return tonumber(given) end
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
"""

MEET = f"""#!lua flags=allow-oom
{_NOW}
-- KEYS: replicas. ARGV: owner, time or 0, milliseconds until one is forgotten.
-- Answers the time, when the owner was last there, or nothing, and the replicas.
local at = now(ARGV[2])
local before = redis.call('ZSCORE', KEYS[1], ARGV[1]) or ''
redis.call('ZADD', KEYS[1], tostring(at), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', tostring(at - tonumber(ARGV[3])))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {{tostring(at), before, unpack(redis.call('ZRANGE', KEYS[1], 0, -1))}}
"""

WANT = """#!lua flags=allow-oom
-- KEYS: wanted. ARGV: for how many milliseconds.
return redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
"""

ATTEND = f"""#!lua flags=allow-oom
{_NOW}
-- KEYS: lease, ledger, served, wanted. ARGV: owner, time or 0, lease in milliseconds.
-- The owner's lease goes on. Answers: owner, until, term, newest change, served version, whether wanted, the time.
local at = now(ARGV[2])
local lease = redis.call('HMGET', KEYS[1], 'owner', 'until', 'term')
local wanted = 0
if lease[1] == ARGV[1] then
  lease[2] = tostring(at + tonumber(ARGV[3]))
  redis.call('HSET', KEYS[1], 'until', lease[2])
  wanted = redis.call('DEL', KEYS[4])
end
return {{lease[1] or '', lease[2] or '0', lease[3] or '0', redis.call('HGET', KEYS[2], 'newest') or '',
  redis.call('HGET', KEYS[3], 'version') or '', wanted, tostring(at)}}
"""

ACQUIRE = f"""#!lua flags=allow-oom
{_NOW}
-- KEYS: lease, ledger. ARGV: owner, time or 0, lease in milliseconds, and which change has to be the newest, if any.
-- Answers the number of the new term; 0 when the lease is another's, -1 when somebody counted something.
local at = now(ARGV[2])
local lease = redis.call('HMGET', KEYS[1], 'owner', 'until', 'term')
if lease[1] and lease[1] ~= '' and lease[1] ~= ARGV[1] and tonumber(lease[2]) > at then return 0 end
if ARGV[4] and (redis.call('HGET', KEYS[2], 'newest') or '') ~= ARGV[4] then return -1 end
local term = tonumber(lease[3] or '0') + 1
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until', tostring(at + tonumber(ARGV[3])), 'term', tostring(term))
return term
"""

RELEASE = """#!lua flags=allow-oom
-- KEYS: lease. ARGV: owner. The number of terms stays.
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'owner', '', 'until', '0')
return 1
"""

COMMIT = """#!lua
-- KEYS: lease, ledger, one table each. ARGV: owner, the change before (or '*' to replace everything), this change,
-- layout, then for each table: how many rows are set, key and row of each, how many go, their keys.
-- Answers 'ok', 'lost' when the lease is not the owner's, 'behind' when Redis does not have the change before.
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 'lost' end
local newest = redis.call('HGET', KEYS[2], 'newest') or ''
if ARGV[2] ~= '*' and ARGV[2] ~= newest then return 'behind' end
local place = 5
for table = 3, #KEYS do
  if ARGV[2] == '*' then redis.call('DEL', KEYS[table]) end
  for _ = 1, tonumber(ARGV[place]) do
    redis.call('HSET', KEYS[table], ARGV[place + 1], ARGV[place + 2])
    place = place + 2
  end
  place = place + 1
  for _ = 1, tonumber(ARGV[place]) do
    redis.call('HDEL', KEYS[table], ARGV[place + 1])
    place = place + 1
  end
  place = place + 1
end
redis.call('HSET', KEYS[2], 'newest', ARGV[3], 'layout', ARGV[4])
return 'ok'
"""

PUBLISH = """#!lua
-- KEYS: lease, served, image. ARGV: owner, version, the version before (or '*' to replace everything), list of blocks;
-- how many blocks are set, version and content of each; how many parts of the image are set, name and content of each;
-- versions of blocks that go.
-- Answers 'ok', 'lost' when the lease is not the owner's, 'behind' when Redis does not have the version before.
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 'lost' end
if ARGV[3] == '*' then
  redis.call('DEL', KEYS[2])
elseif (redis.call('HGET', KEYS[2], 'version') or '') ~= ARGV[3] then
  return 'behind'
end
local place = 5
for key = 2, 3 do
  for _ = 1, tonumber(ARGV[place]) do
    redis.call('HSET', KEYS[key], ARGV[place + 1], ARGV[place + 2])
    place = place + 2
  end
  place = place + 1
end
for number = place, #ARGV do redis.call('HDEL', KEYS[2], ARGV[number]) end
redis.call('HSET', KEYS[2], 'version', ARGV[2], 'blocks', ARGV[4])
return 'ok'
"""

FETCH = """#!lua flags=no-writes
-- KEYS: served. ARGV: version that is known, versions of blocks that are known.
-- Answers nothing when that is the newest, else the version, the list of blocks, and version and content of the others.
local head = redis.call('HMGET', KEYS[1], 'version', 'blocks')
if not head[1] or head[1] == ARGV[1] then return {} end
local known = {version = true, blocks = true}
for number = 2, #ARGV do known[ARGV[number]] = true end
local answer = {head[1], head[2]}
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if not known[field] then
    answer[#answer + 1] = field
    answer[#answer + 1] = redis.call('HGET', KEYS[1], field)
  end
end
return answer
"""
