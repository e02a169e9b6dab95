import type { Redis } from 'ioredis';
import { Departures } from './departures.js';

interface Call {
  keys: readonly string[];
  values: readonly (string | number)[];
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}

type Command = (keyCount: number, ...keysAndValues: (string | number)[]) => Promise<unknown[]>;

/** A script holds the server up for all; so many calls take it about a millisecond. */
const MOST_CALLS = 64;

/**
 * A Lua script whose waiting calls go to the server as one command, see `Departures`. Each call is as atomic as it is
 * alone, has its own reply, and fails by itself where the script fails; all of them fail where the command does. Under
 * load that costs the client a small part of a command for each call.
 *
 * One server, or a primary with replicas: the keys of one command are those of many callers, which a cluster would have on
 * different nodes.
 */
export class GatheredScript {
  readonly #command: Command;
  readonly #departures: Departures;
  readonly #depart = (): Promise<unknown> => this.#send();
  #waiting: Call[] = [];

  /**
   * @param redis a client without offline queue and without resending, see `connectRedis`; closed by whoever opened it
   * @param name  of the command that the script becomes, unique for the client
   * @param lua   reads its own `KEYS` and `ARGV` as any script; returns something other than nil
   */
  constructor(redis: Redis, name: string, lua: string) {
    redis.defineCommand(name, { lua: gathered(lua) });
    this.#command = (...call) => (redis as unknown as Record<string, Command>)[name]!(...call);
    this.#departures = Departures.of(redis);
  }

  /** @throws the client's or the script's error: the outcome is unknown unless the script says otherwise */
  run(keys: readonly string[], ...values: (string | number)[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ keys, values, resolve, reject }) === 1) this.#departures.join(this.#depart);
    });
  }

  #send(): Promise<unknown> {
    const calls = this.#waiting;
    this.#waiting = [];
    const commands: Promise<void>[] = [];
    for (let from = 0; from < calls.length; from += MOST_CALLS) {
      commands.push(this.#sendTogether(calls.slice(from, from + MOST_CALLS)));
    }
    return Promise.all(commands);
  }

  async #sendTogether(calls: readonly Call[]): Promise<void> {
    const keys = calls.flatMap((call) => call.keys);
    const values = calls.flatMap((call) => [call.keys.length, call.values.length, ...call.values]);
    try {
      const replies = await this.#command(keys.length, ...keys, ...values);
      calls.forEach(({ resolve, reject }, index) => {
        const reply = replies[index];
        if (reply instanceof Error) reject(reply);
        else resolve(reply);
      });
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }
}

/** ARGV: for each call the number of its keys, of its values, and its values. */
function gathered(lua: string): string {
  return `
local function run(KEYS, ARGV)
${lua}
end
local replies, key, value = {}, 0, 0
while value < #ARGV do
  local keys, values = {}, {}
  local keyCount, valueCount = tonumber(ARGV[value + 1]), tonumber(ARGV[value + 2])
  for index = 1, keyCount do keys[index] = KEYS[key + index] end
  for index = 1, valueCount do values[index] = ARGV[value + 2 + index] end
  key, value = key + keyCount, value + 2 + valueCount
  local ok, reply = pcall(run, keys, values)
  if not ok then
    if type(reply) == 'table' then reply = reply.err end
    reply = redis.error_reply(tostring(reply))
  end
  replies[#replies + 1] = reply
end
return replies
`;
}
