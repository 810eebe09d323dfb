"""The steps in Redis that must be atomic, as Lua scripts.

All keys of one conversation share a hash tag, so that a cluster keeps them in one slot:

``…:conversation``  hash: state, language, last (sequence), first (sequence kept), updated_at,
                    and, while a turn runs, running (its sequence), owner (its replica), token
``…:turns``         hash: sequence to record
``…:ids``           sorted set: invocation ids by their newest sequence

Each script takes these three as KEYS, in this order.
"""

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Script:
    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False)
        object.__setattr__(self, "sha", digest.hexdigest())


_COMMON = """
local conversation, turns, ids = KEYS[1], KEYS[2], KEYS[3]
local function append(invocation_id, record)
  local sequence = redis.call('HINCRBY', conversation, 'last', 1)
  redis.call('HSET', turns, sequence, record)
  redis.call('ZADD', ids, sequence, invocation_id)
  return sequence
end
local function keep(ttl_ms)
  redis.call('HSET', conversation, 'updated_at', redis.call('TIME')[1])
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ttl_ms) end
end
local function trim(max_turns, at_most)
  local oldest = tonumber(redis.call('HGET', conversation, 'last') or 0) - max_turns + 1
  local first = tonumber(redis.call('HGET', conversation, 'first') or 1)
  if oldest <= first then return end
  oldest = math.min(oldest, first + at_most)
  for sequence = first, oldest - 1 do redis.call('HDEL', turns, sequence) end
  redis.call('ZREMRANGEBYSCORE', ids, '-inf', oldest - 1)
  redis.call('HSET', conversation, 'first', oldest)
end
"""

BEGIN = Script(
    _COMMON
    + """
local token, owner, invocation_id, record = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local history, ttl_ms, displaced, ended = tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8]
local head = redis.call('HMGET', conversation, 'running', 'owner', 'token', 'state', 'language')
local sequence
if head[3] == token then
  sequence = tonumber(head[1])
else
  local running = head[1] and redis.call('HGET', turns, head[1])
  if running then
    if head[3] ~= displaced then return {0, head[1], head[2], head[3], running} end
    redis.call('HSET', turns, head[1], ended)
  end
  sequence = append(invocation_id, record)
  redis.call('HSET', conversation, 'running', sequence, 'owner', owner, 'token', token)
  keep(ttl_ms)
end
local earlier = {}
for i = math.max(1, sequence - history), sequence - 1 do
  local text = redis.call('HGET', turns, i)
  if text then earlier[#earlier + 1] = '[' .. i .. ',' .. text .. ']' end
end
return {1, sequence, head[4], head[5], '[' .. table.concat(earlier, ',') .. ']'}
"""
)
"""ARGV: token, owner, invocation id, record, turns of history, ttl in ms, and to take the place of
a running turn: its token and its record as ended. Returns {1, sequence, state, language, JSON
array of [sequence, record] before it}, or {0, sequence, owner, token, record} of the turn that
runs. The token makes it safe to repeat."""

SETTLE = Script(
    _COMMON
    + """
local sequence, invocation_id, record = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local state, language = ARGV[4], ARGV[5]
local heard_sequence, heard = ARGV[6], ARGV[7]
local max_turns, ttl_ms = tonumber(ARGV[8]), ARGV[9]
local last = tonumber(redis.call('HGET', conversation, 'last') or 0)
local is_newest
local function replace(at, text)
  local name = string.match(text, '^{"invocation_id":.-,"kind":')
  local stored = redis.call('HGET', turns, at)
  if not stored or string.sub(stored, 1, #name) ~= name then return false end
  redis.call('HSET', turns, at, text)
  return true
end
if replace(sequence == 0 and last or sequence, record) then
  if sequence == 0 then sequence = last end
  is_newest = sequence == last
else
  is_newest = sequence == 0 or last == 0
  sequence = append(invocation_id, record)
end
if redis.call('HGET', conversation, 'running') == tostring(sequence) then
  redis.call('HDEL', conversation, 'running', 'owner', 'token')
end
if is_newest then
  redis.call('HSET', conversation, 'language', language)
  if state ~= '' then redis.call('HSET', conversation, 'state', state) end
  if heard ~= '' then replace(heard_sequence, heard) end
end
trim(max_turns, 20)
keep(ttl_ms)
return sequence
"""
)
"""ARGV: sequence (0: begin did not store it), invocation id, record, state ('' keeps the one
before), language, sequence and record of the turn before ('' for none), max turns, ttl in ms.
Returns the sequence. A turn that is not there any more (data was lost) is stored as the last one;
if others have begun since, it leaves the state to them."""

END = Script(
    _COMMON
    + """
if redis.call('HGET', conversation, 'token') ~= ARGV[1] then return 0 end
local running = redis.call('HGET', conversation, 'running')
-- Else the turns were lost, and a key made here would have no end.
if redis.call('HEXISTS', turns, running) == 1 then redis.call('HSET', turns, running, ARGV[2]) end
redis.call('HDEL', conversation, 'running', 'owner', 'token')
return 1
"""
)
"""ARGV: token, record. Ends a turn that nobody settles, if it still runs; returns whether."""

READ = Script(
    _COMMON
    + """
local sequence = ARGV[1]
if sequence == '0' then sequence = redis.call('ZSCORE', ids, ARGV[2]) end
local record = sequence and redis.call('HGET', turns, sequence)
if not record then return {} end
local head = redis.call('HMGET', conversation, 'running', 'owner', 'token')
if head[1] ~= sequence then return {sequence, record} end
return {sequence, record, head[2], head[3]}
"""
)
"""ARGV: sequence, or 0 and an invocation id. Returns {} or {sequence, record}, and while that
turn runs its owner and token."""

TRIM = Script(
    _COMMON
    + """
local max_turns, ttl_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local head = redis.call('HMGET', conversation, 'updated_at', 'running')
if not head[1] then return 0 end
local idle_ms = (tonumber(redis.call('TIME')[1]) - tonumber(head[1])) * 1000
if idle_ms >= ttl_ms and not head[2] then
  return math.min(redis.call('UNLINK', unpack(KEYS)), 1)
end
trim(max_turns, 1000)
return 0
"""
)
"""ARGV: max turns, ttl in ms. Applies the limits to one conversation; returns 1 if that removed
it."""
