import { isRefusal, openRedis } from '../redis.ts';
import type { Clock } from './clock.ts';
import { followClock } from './store-clock.ts';
import { rolloutState, stampOf, type RolloutState } from './state.ts';
import { StoreError, type Store } from './store.ts';

/** Milliseconds that Redis has for an answer. */
const deadline = 1000;

/** For each key: 0 when there is nothing, 1 when its stamp is the one given, 2 when it is not ours, else the state. */
const look = `
local time = redis.call('TIME')
local found = {time[1], time[2]}
for i, key in ipairs(KEYS) do
  local type = redis.call('TYPE', key).ok
  local stamp = type == 'hash' and redis.call('HGET', key, 'stamp')
  if type == 'none' then found[i + 2] = 0
  elseif not stamp then found[i + 2] = 2
  elseif stamp == ARGV[i] then found[i + 2] = 1
  else found[i + 2] = redis.call('HGET', key, 'state') or '' end
end
return found`;

const compareAndSet = `
local stamp = redis.call('HGET', KEYS[1], 'stamp')
if not stamp and redis.call('EXISTS', KEYS[1]) == 1 then return 2 end
if (stamp or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'stamp', ARGV[2], 'state', ARGV[3])
return 1`;

/** Without a state there is no stage to count for. */
const addRequests = `
if redis.call('HEXISTS', KEYS[1], 'stamp') == 0 then return 0 end
return redis.call('HINCRBY', KEYS[1], 'requests:' .. ARGV[1], ARGV[2])`;

/**
 * Keeps states in Redis, for any number of proxies: one hash a flag, `PREFIX:rollout:FLAG`. Time is Redis' own. Without
 * Redis, each operation rejects until it is back.
 */
export function redisStore({ url, prefix }: { url: URL; prefix: string }, clock: Clock): Store {
  const where = `Redis at ${url.host}`;
  const time = followClock(() => clock.now());
  const redis = openRedis(url, deadline, ({ client }) => client);
  const run = (script: string, keys: readonly string[], values: readonly (string | number)[]) =>
    redis
      .run((client) => client.eval(script, keys.length, ...keys, ...values))
      .catch((error: Error) => {
        throw problem(error, where);
      });
  const keyOf = (flag: string) => `${prefix}:rollout:${flag}`;

  return {
    kept: 'redis',
    async read(stamps) {
      const flags = [...stamps.keys()];
      const asked = clock.now();
      const answer = await run(look, flags.map(keyOf), [...stamps.values()]);
      const answered = clock.now();
      if (!Array.isArray(answer)) throw new StoreError('away', `${where} gave no answer`);
      time.see({ asked, answered, said: Number(answer[0]) * 1000 + Number(answer[1]) / 1000 });
      const changed = new Map<string, RolloutState | null>();
      for (const [index, flag] of flags.entries()) {
        const found: unknown = answer[index + 2];
        if (found === 1) continue;
        changed.set(flag, found === 0 ? null : readState(found, flag, `${keyOf(flag)} in ${where}`));
      }
      return changed;
    },
    async write(state, expected) {
      const key = keyOf(state.flag);
      const done = await run(compareAndSet, [key], [expected, stampOf(state), JSON.stringify(state)]);
      if (done === 2) throw foreign(`${key} in ${where}`);
      return done === 1;
    },
    now: () => time.now(),
    shared: {
      // A raise is to take effect when everybody had time for four looks.
      every: 250,
      lead: 1000,
      count: async (state, add) =>
        Number(await run(addRequests, [keyOf(state.flag)], [state.stageRevision, add])),
    },
    close: async () => redis.close(),
  };
}

function readState(found: unknown, flag: string, where: string): RolloutState {
  if (typeof found !== 'string') throw foreign(where);
  try {
    const state = rolloutState.parse(JSON.parse(found));
    if (state.flag === flag) return state;
  } catch {
    // Said below.
  }
  throw foreign(where);
}

const foreign = (where: string) =>
  new StoreError(
    'refused',
    `${where} is not the state of a rollout as this version writes it. It is left as it is: put it right, or delete the key to begin anew`,
  );

function problem(error: Error, where: string): StoreError {
  const { message } = error;
  // A script that does not fit what is there.
  if (message.includes('WRONGTYPE')) return foreign(where);
  return isRefusal(error)
    ? new StoreError('refused', `${where} cannot be used as state: ${message}`, error)
    : new StoreError('away', `${where} cannot be reached: ${message}`, error);
}
