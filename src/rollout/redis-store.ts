import { Redis } from 'ioredis';
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
 * Keeps states in Redis, for any number of proxies: one hash a flag, `PREFIX:rollout:FLAG`. Time is Redis' own. Never
 * rejects: without Redis, each operation does, until it is back.
 */
export async function openRedisStore(
  { url, prefix }: { url: URL; prefix: string },
  clock: Clock,
): Promise<Store> {
  const where = `Redis at ${url.host}`;
  const time = followClock(() => clock.now());
  let trouble: StoreError | undefined;
  const client = new Redis(url.href, {
    lazyConnect: true,
    connectTimeout: deadline,
    commandTimeout: deadline,
    // A connection that has fallen silent is made anew.
    socketTimeout: 3 * deadline,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(100 * times, 500),
    reconnectOnError: () => false,
  });
  // Of what goes wrong on one connection, the first is the cause.
  let told = false;
  client.on('error', (error: Error) => {
    if (!told) trouble = problem(error, where);
    told = true;
  });
  client.on('close', () => (told = false));
  client.on('ready', () => (trouble = undefined));
  let closed = false;
  await Promise.race([
    client.connect().catch(() => {}),
    new Promise<void>((done) => void clock.after(deadline, done)),
  ]);

  const run = async (script: string, keys: readonly string[], values: readonly (string | number)[]) => {
    if (client.status !== 'ready') throw trouble ?? new StoreError('away', `${where} cannot be reached`);
    try {
      return await client.eval(script, keys.length, ...keys, ...values);
    } catch (error) {
      throw problem(error, where);
    }
  };
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
    async close() {
      if (closed) return;
      closed = true;
      client.disconnect();
    },
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

/** Redis' own words are kept: they name no password. */
function problem(error: unknown, where: string): StoreError {
  const message = error instanceof Error ? error.message : String(error);
  if (/^(WRONGPASS|NOAUTH|NOPERM)|AUTH/.test(message))
    return new StoreError(
      'refused',
      `${where} refuses us: ${message.replace(/\.$/, '')}; mend the user and the password in state`,
      error,
    );
  if (/^ERR DB index|^WRONGTYPE/.test(message))
    return new StoreError('refused', `${where} refuses us: ${message}; mend state`, error);
  if (/certificate|altnames/i.test(message))
    return new StoreError(
      'refused',
      `${where} is not trusted: ${message}; name the authority of its certificate in NODE_EXTRA_CA_CERTS`,
      error,
    );
  return new StoreError('away', `${where} cannot be reached: ${message}`, error);
}
