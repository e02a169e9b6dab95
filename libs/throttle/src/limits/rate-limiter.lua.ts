/**
 * The Redis side of the limiter: `drained` and `fits` of `bucket.ts`, for all keys of a request in one atomic call.
 * Each key is a string, `<level> <atUs>`. Lua's numbers are doubles; all of these are integers below 2^53, and are
 * written with `%.0f` because `tostring` would round them to 14 digits. A refused request writes nothing.
 *
 * A key ends a minute after its bucket is empty. The minute covers for a caller's clock that stands still while
 * Redis's goes on; the level itself never depends on it.
 *
 * KEYS: a key per limit. ARGV: the time in µs or 'server', cost, then perMinute and burst of each limit.
 * Returns `{1 | 0, level, ...}`: allowed or not, and each level, raised if allowed. Kept as a string so that it
 * travels with the build.
 */
export const TAKE_SCRIPT = `
local UNIT = 60000000
local nowUs = tonumber(ARGV[1])
if not nowUs then
  local time = redis.call('TIME')
  nowUs = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local cost = tonumber(ARGV[2])
local allowed = 1
local levels = {}
for index, key in ipairs(KEYS) do
  local perMinute, burst = tonumber(ARGV[1 + 2 * index]), tonumber(ARGV[2 + 2 * index])
  local level, held = 0, redis.call('GET', key)
  if held then
    local space = string.find(held, ' ', 1, true)
    local atUs = tonumber(string.sub(held, space + 1))
    level = tonumber(string.sub(held, 1, space - 1))
    local elapsedUs = math.max(0, nowUs - atUs)
    if elapsedUs >= level / perMinute then level = 0 else level = level - elapsedUs * perMinute end
  end
  levels[index] = level
  if cost > burst or cost * UNIT > burst * UNIT - level then allowed = 0 end
end
if allowed == 1 then
  for index, key in ipairs(KEYS) do
    local perMinute = tonumber(ARGV[1 + 2 * index])
    levels[index] = levels[index] + cost * UNIT
    redis.call('SET', key, string.format('%.0f %.0f', levels[index], nowUs),
      'PX', string.format('%.0f', math.ceil(levels[index] / perMinute / 1000) + 60000))
  end
end
return {allowed, unpack(levels)}
`;
