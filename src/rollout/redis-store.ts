import { randomBytes } from 'node:crypto';
import { isRefusal, openRedis } from '../redis.ts';
import type { Clock } from './clock.ts';
import { followClock } from './store-clock.ts';
import { rolloutState, stampOf, type RolloutState } from './state.ts';
import { StoreError, type Store } from './store.ts';

/** Milliseconds that Redis has for an answer, and for a connection and an answer. */
const patience = { deadline: 1000, answer: 400 };

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

/**
 * 0 when the stamp is another, 1 when done, 2 when what is there is not ours, 3 when it came too late: whoever asked has been
 * told by then that nothing was done. What was counted for other stages goes.
 */
const compareAndSet = `
local stamp = redis.call('HGET', KEYS[1], 'stamp')
if not stamp and redis.call('EXISTS', KEYS[1]) == 1 then return 2 end
if (stamp or '') ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
if time[1] * 1000 + time[2] / 1000 > tonumber(ARGV[4]) then return 3 end
redis.call('HSET', KEYS[1], 'stamp', ARGV[2], 'state', ARGV[3])
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 9) == 'requests:' and string.sub(field, 1, #ARGV[5]) ~= ARGV[5] then
    redis.call('HDEL', KEYS[1], field)
  end
end
return 1`;

/** For each key: this proxy's field gets its number; the sum over all fields of the stage. Told twice, it counts once. */
const countRequests = `
local sums = {}
for i, key in ipairs(KEYS) do
  local stage, sum = ARGV[2 * i], 0
  if redis.call('HEXISTS', key, 'stamp') == 1 then
    redis.call('HSET', key, stage .. ARGV[1], ARGV[2 * i + 1])
    for _, field in ipairs(redis.call('HKEYS', key)) do
      if string.sub(field, 1, #stage) == stage then sum = sum + redis.call('HGET', key, field) end
    end
  end
  sums[i] = sum
end
return sums`;

const stageField = ({ stageRevision }: RolloutState) => `requests:${stageRevision}:`;

/**
 * Keeps states in Redis, for any number of proxies: one hash a flag, `PREFIX:rollout:FLAG`. Time is Redis' own. Without
 * Redis, each operation rejects until it is back.
 */
export function redisStore({ url, prefix }: { url: URL; prefix: string }, clock: Clock): Store {
  const where = `Redis at ${url.host}`;
  const time = followClock(() => clock.now());
  const redis = openRedis(url, patience, ({ client }) => client);
  /** What this proxy counts under. */
  const self = randomBytes(4).toString('hex');
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
      const said = Array.isArray(answer) ? Number(answer[0]) * 1000 + Number(answer[1]) / 1000 : Number.NaN;
      if (!Array.isArray(answer) || !Number.isFinite(said))
        throw new StoreError('away', `${where} gave an answer that is none`);
      time.see({ asked, answered, said });
      const changed = new Map<string, RolloutState | null | StoreError>();
      for (const [index, flag] of flags.entries()) {
        const found: unknown = answer[index + 2];
        if (found === 1) continue;
        changed.set(flag, found === 0 ? null : readState(found, flag, `${keyOf(flag)} in ${where}`));
      }
      return changed;
    },
    async write(state, expected) {
      const key = keyOf(state.flag);
      const last = time.now() + patience.answer;
      const values = [expected, stampOf(state), JSON.stringify(state), last, stageField(state)];
      const done = await run(compareAndSet, [key], values);
      if (done === 2) throw foreign(`${key} in ${where}`);
      if (done === 3) throw new StoreError('away', `${where} took too long`);
      return done === 1;
    },
    now: () => time.now(),
    shared: {
      // A raise is to take effect when everybody had time for four looks.
      every: 250,
      lead: 1000,
      async count(seen) {
        const values = seen.flatMap(({ state, requests }) => [stageField(state), requests]);
        const sums = await run(
          countRequests,
          seen.map(({ state }) => keyOf(state.flag)),
          [self, ...values],
        );
        return Array.isArray(sums) ? sums.map(Number) : [];
      },
    },
    close: async () => redis.close(),
  };
}

function readState(found: unknown, flag: string, where: string): RolloutState | StoreError {
  try {
    const state = rolloutState.parse(JSON.parse(String(found)));
    if (state.flag === flag) return state;
  } catch {
    // Said below.
  }
  return foreign(where);
}

const foreign = (where: string) =>
  new StoreError(
    'refused',
    `${where} is not the state of a rollout as this version writes it. It is left as it is: put it right, or stop the proxies and delete the key to begin anew`,
  );

function problem(error: Error, where: string): StoreError {
  const { message } = error;
  // A script that does not fit what is there.
  if (message.includes('WRONGTYPE')) return foreign(where);
  return isRefusal(error)
    ? new StoreError('refused', `${where} cannot be used as state: ${message}`, error)
    : new StoreError('away', `${where} cannot be reached: ${message}`, error);
}
