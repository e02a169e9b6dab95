/**
 * The Redis side of the claim store. Each key is a hash: `state` (pending, done), `bodyHash`, `data` (the claim as
 * JSON, opaque here), and while pending `token` and `leaseUntilMs`. The scripts are atomic, and use the server's clock:
 * replicas of the door need not agree on the time. Kept as strings so that they travel with the build.
 */
const NOW_MS = `
local time = redis.call('TIME')
local nowMs = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
`;

const WRITE_PENDING = `
local function writePending(token, bodyHash, data, leaseMs, ttlMs)
  local leaseUntilMs = string.format('%.0f', nowMs + tonumber(leaseMs))
  for _, key in ipairs(KEYS) do
    redis.call('HSET', key, 'state', 'pending', 'bodyHash', bodyHash, 'data', data, 'token', token,
      'leaseUntilMs', leaseUntilMs)
    redis.call('PEXPIRE', key, ttlMs)
  end
end
`;

/**
 * ARGV: token, bodyHash, data, leaseMs, ttlMs.
 * Returns `{kind}`, or `{kind, data, leaseLeftMs}` of the claim that stands.
 */
export const CLAIM_SCRIPT = `${NOW_MS}${WRITE_PENDING}
local token, bodyHash = ARGV[1], ARGV[2]
local rank, kind, data, leaseLeftMs = 0, nil, nil, 0
for _, key in ipairs(KEYS) do
  local claim = redis.call('HMGET', key, 'state', 'bodyHash', 'data', 'token', 'leaseUntilMs')
  if claim[1] then
    if claim[2] ~= bodyHash then return {'other-body'} end
    if claim[1] == 'done' then
      if rank < 3 then rank, kind, data, leaseLeftMs = 3, 'done-same-body', claim[3], 0 end
    elseif claim[4] ~= token then
      local left = tonumber(claim[5]) - nowMs
      if left > 0 then
        if rank < 2 then rank, kind, data, leaseLeftMs = 2, 'pending-young', claim[3], left end
      elseif rank < 1 then
        rank, kind, data = 1, 'pending-expired', claim[3]
      end
    end
  end
end
if rank > 0 then return {kind, data, leaseLeftMs} end
writePending(token, bodyHash, ARGV[3], ARGV[4], ARGV[5])
return {'first'}
`;

/** ARGV: expired token, new token, bodyHash, data, leaseMs, ttlMs. Returns 1 when taken over, else 0. */
export const TAKE_OVER_SCRIPT = `${NOW_MS}${WRITE_PENDING}
local held = false
for _, key in ipairs(KEYS) do
  local claim = redis.call('HMGET', key, 'state', 'bodyHash', 'token', 'leaseUntilMs')
  if claim[1] then
    if claim[1] ~= 'pending' or claim[2] ~= ARGV[3] then return 0 end
    if claim[3] ~= ARGV[2] and tonumber(claim[4]) > nowMs then return 0 end
    if claim[3] == ARGV[1] or claim[3] == ARGV[2] then held = true end
  end
end
if not held then return 0 end
writePending(ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
return 1
`;

/** ARGV: bodyHash, data, ttlMs. */
export const COMPLETE_SCRIPT = `
for _, key in ipairs(KEYS) do
  local claim = redis.call('HMGET', key, 'state', 'bodyHash')
  if not claim[1] or (claim[1] == 'pending' and claim[2] == ARGV[1]) then
    redis.call('HSET', key, 'state', 'done', 'bodyHash', ARGV[1], 'data', ARGV[2])
    redis.call('HDEL', key, 'token', 'leaseUntilMs')
    redis.call('PEXPIRE', key, ARGV[3])
  end
end
return 1
`;

/** ARGV: token. */
export const RELEASE_SCRIPT = `
for _, key in ipairs(KEYS) do
  local claim = redis.call('HMGET', key, 'state', 'token')
  if claim[1] == 'pending' and claim[2] == ARGV[1] then redis.call('DEL', key) end
end
return 1
`;
