"""The steps in Redis that must be atomic, as Lua scripts.

All keys of one conversation share a hash tag, so that a cluster keeps them in one slot:

``…:conversation``  hash: state, language, last (sequence), first (sequence kept), updated_at,
                    and, while a turn runs, running (its sequence), owner (its replica), token
                    size: bytes of its turns
``…:turns``         hash: sequence to record, and ``sequence:events`` to its events
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
local function write(field, text)
  local before = redis.call('HSTRLEN', turns, field)
  redis.call('HSET', turns, field, text)
  redis.call('HINCRBY', conversation, 'size', #text - before)
end
local function erase(field)
  redis.call('HINCRBY', conversation, 'size', 0 - redis.call('HSTRLEN', turns, field))
  redis.call('HDEL', turns, field)
end
local function append(invocation_id, record)
  local sequence = redis.call('HINCRBY', conversation, 'last', 1)
  write(sequence, record)
  redis.call('ZADD', ids, sequence, invocation_id)
  return sequence
end
local function replace(at, text)
  local name = string.match(text, '^{"invocation_id":.-,"kind":')
  local stored = redis.call('HGET', turns, at)
  if not stored or string.sub(stored, 1, #name) ~= name then return false end
  write(at, text)
  return true
end
local function keep(ttl_ms)
  redis.call('HSET', conversation, 'updated_at', redis.call('TIME')[1])
  for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ttl_ms) end
end
local function number(field, default)
  return tonumber(redis.call('HGET', conversation, field) or default)
end
local function trim(max_turns, max_bytes, at_most)
  local last, first = number('last', 0), number('first', 1)
  local oldest, limit = first, first + at_most
  while oldest < last and oldest < limit
      and (oldest <= last - max_turns or number('size', 0) > max_bytes) do
    erase(oldest)
    erase(oldest .. ':events')
    oldest = oldest + 1
  end
  if oldest == first then return end
  redis.call('ZREMRANGEBYSCORE', ids, '-inf', oldest - 1)
  redis.call('HSET', conversation, 'first', oldest)
end
local function recall(last, most, most_bytes)
  local earlier = {}
  for i = last, math.max(1, last + 1 - most), -1 do
    local text = redis.call('HGET', turns, i)
    if text then
      if #earlier > 0 then most_bytes = most_bytes - #text end
      if most_bytes < 0 then break end
      table.insert(earlier, 1, '[' .. i .. ',' .. text .. ']')
    end
  end
  return '[' .. table.concat(earlier, ',') .. ']'
end
"""

BEGIN = Script(
    _COMMON
    + """
local token, owner, invocation_id, record = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local history, history_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local ttl_ms, displaced, ended = ARGV[7], ARGV[8], ARGV[9]
local head = redis.call('HMGET', conversation, 'running', 'owner', 'token', 'state', 'language')
local sequence
if head[3] == token then
  sequence = tonumber(head[1])
else
  local known = redis.call('ZSCORE', ids, invocation_id)
  local text = known and redis.call('HGET', turns, known)
  if text then
    local read, stored = pcall(cjson.decode, text)
    if head[1] == known or not (read and stored.untried) then return {2, known} end
  end
  local running = head[1] and redis.call('HGET', turns, head[1])
  if running then
    if head[3] ~= displaced then return {0, head[1], head[2], head[3], running} end
    write(head[1], ended)
  end
  sequence = append(invocation_id, record)
  redis.call('HSET', conversation, 'running', sequence, 'owner', owner, 'token', token)
  keep(ttl_ms)
end
return {1, sequence, head[4], head[5], recall(sequence - 1, history, history_bytes)}
"""
)
"""ARGV: token, owner, invocation id, record, turns and bytes of history, ttl in ms, and to take the
place of a running turn: its token and its record as ended. Returns {1, sequence, state, language,
JSON array of [sequence, record] before it}, {0, sequence, owner, token, record} of the turn that
runs, or {2, sequence} of the turn that has the invocation id. The token makes it safe to
repeat."""

SETTLE = Script(
    _COMMON
    + """
local sequence, invocation_id, record, events = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local state, language = ARGV[5], ARGV[6]
local heard_sequence, heard = ARGV[7], ARGV[8]
local max_turns, max_bytes, ttl_ms = tonumber(ARGV[9]), tonumber(ARGV[10]), ARGV[11]
local last = number('last', 0)
local is_newest
if replace(sequence == 0 and last or sequence, record) then
  if sequence == 0 then sequence = last end
  is_newest = sequence == last
else
  is_newest = sequence == 0 or last == 0
  sequence = append(invocation_id, record)
end
erase(sequence .. ':events')
if events ~= '' then write(sequence .. ':events', events) end
if redis.call('HGET', conversation, 'running') == tostring(sequence) then
  redis.call('HDEL', conversation, 'running', 'owner', 'token')
end
if is_newest then
  redis.call('HSET', conversation, 'language', language)
  if state ~= '' then redis.call('HSET', conversation, 'state', state) end
  if heard ~= '' then replace(heard_sequence, heard) end
end
trim(max_turns, max_bytes, 20)
keep(ttl_ms)
return {sequence, number('size', 0)}
"""
)
"""ARGV: sequence (0: begin did not store it), invocation id, record, events ('' for none), state
('' keeps the one before), language, sequence and record of the turn before ('' for none), max
turns, max bytes, ttl in ms. Returns the sequence, and the size of the conversation's turns. A turn
that is not there any more (data was lost) is stored as the last one; if others have begun since,
it leaves the state to them."""

END = Script(
    _COMMON
    + """
if redis.call('HGET', conversation, 'token') ~= ARGV[1] then return 0 end
local running = redis.call('HGET', conversation, 'running')
-- Else the turns were lost, and a key made here would have no end.
if redis.call('HEXISTS', turns, running) == 1 then write(running, ARGV[2]) end
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
local events = redis.call('HGET', turns, sequence .. ':events') or ''
local head = redis.call('HMGET', conversation, 'running', 'owner', 'token')
if head[1] ~= sequence then return {sequence, record, events} end
return {sequence, record, events, head[2], head[3]}
"""
)
"""ARGV: sequence, or 0 and an invocation id. Returns {} or {sequence, record, events}, and while
that turn runs its owner and token."""

HISTORY = Script(
    _COMMON
    + """
local head = redis.call('HMGET', conversation, 'state', 'language')
return {head[1], head[2], recall(number('last', 0), tonumber(ARGV[1]), tonumber(ARGV[2]))}
"""
)
"""ARGV: turns and bytes of history. Returns {state, language, JSON array of [sequence, record]}."""

ERASE = Script(
    _COMMON
    + """
local sequence = ARGV[1]
if redis.call('HGET', conversation, 'running') == sequence then return -1 end
erase(sequence)
erase(sequence .. ':events')
redis.call('ZREMRANGEBYSCORE', ids, sequence, sequence)
if redis.call('HLEN', turns) > 0 then return number('size', 0) end
redis.call('UNLINK', unpack(KEYS))
return 0
"""
)
"""ARGV: sequence. Removes a turn that has ended, with the last one the conversation; returns the
size of the turns that are left, or -1 for one that runs."""

AMEND = Script(
    _COMMON
    + """
local sequence, record = ARGV[1], ARGV[2]
if redis.call('HGET', conversation, 'running') == sequence then return -1 end
if not replace(sequence, record) then return -1 end
return number('size', 0)
"""
)
"""ARGV: sequence, record. Stores a turn anew that has ended; returns the size of the conversation's
turns, or -1 where nothing was changed."""

TRIM = Script(
    _COMMON
    + """
local max_turns, max_bytes, ttl_ms = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local head = redis.call('HMGET', conversation, 'updated_at', 'running')
if not head[1] then return 0 end
local idle_ms = (tonumber(redis.call('TIME')[1]) - tonumber(head[1])) * 1000
if idle_ms >= ttl_ms and not head[2] then
  return math.min(redis.call('UNLINK', unpack(KEYS)), 1)
end
trim(max_turns, max_bytes, 1000)
return 0
"""
)
"""ARGV: max turns, max bytes, ttl in ms. Applies the limits to one conversation; returns 1 if that
removed it."""

DROP = Script(
    _COMMON
    + """
if redis.call('HEXISTS', conversation, 'running') == 1 then return 0 end
return math.min(redis.call('UNLINK', unpack(KEYS)), 1)
"""
)
"""Removes one conversation unless a turn runs in it; returns whether."""

SHARE = Script(
    """
local order, sizes = KEYS[1], KEYS[2]
local session, size = ARGV[1], tonumber(ARGV[2])
local max_bytes, ttl_ms, at_most = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local now = tonumber(redis.call('TIME')[1])
local function count(name, bytes)
  local before = tonumber(redis.call('HGET', sizes, name) or 0)
  if bytes == 0 then redis.call('HDEL', sizes, name) else redis.call('HSET', sizes, name, bytes) end
  return redis.call('HINCRBY', sizes, '', bytes - before)
end
local function forget(name)
  redis.call('ZREM', order, name)
  return count(name, 0)
end
for _, name in ipairs(
    redis.call('ZRANGEBYSCORE', order, '-inf', now - ttl_ms / 1000, 'LIMIT', 0, at_most)) do
  forget(name)
end
if size > 0 then redis.call('ZADD', order, now, session) end
local total = count(session, size)
local removed = {}
for _, name in ipairs(redis.call('ZRANGE', order, 0, at_most)) do
  if total <= max_bytes then break end
  if name ~= session then
    total = forget(name)
    removed[#removed + 1] = name
  end
end
redis.call('PEXPIRE', order, ttl_ms)
redis.call('PEXPIRE', sizes, ttl_ms)
return removed
"""
)
"""KEYS of one user: a sorted set of sessions by their last turn, a hash of their sizes with the sum
under ''. ARGV: session, its size now (0: it is gone), the most that all may have, ttl in ms, how
many may be removed at once. Returns the sessions that have to go."""
