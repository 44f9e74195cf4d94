import { randomBytes } from 'node:crypto';
import { isRefusal, openRedis } from '../redis.ts';
import type { Clock } from '../clock.ts';
import { followClock } from './store-clock.ts';
import { stampOf, StoreError, type Kind, type Stamped, type Store } from './store.ts';
import { turns } from './turns.ts';

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
 * told by then that nothing was done.
 */
const compareAndSet = `
local stamp = redis.call('HGET', KEYS[1], 'stamp')
if not stamp and redis.call('EXISTS', KEYS[1]) == 1 then return 2 end
if (stamp or '') ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
if time[1] * 1000 + time[2] / 1000 > tonumber(ARGV[4]) then return 3 end
redis.call('HSET', KEYS[1], 'stamp', ARGV[2], 'state', ARGV[3])
return 1`;

/**
 * For each key: this proxy's field gets its number; the sum over all fields of the stage. Told twice, it counts once. What was
 * counted for earlier stages goes.
 */
const countRequests = `
local sums = {}
for i, key in ipairs(KEYS) do
  local stage, sum = tonumber(ARGV[2 * i]), 0
  if redis.call('HEXISTS', key, 'stamp') == 1 then
    redis.call('HSET', key, 'requests:' .. ARGV[2 * i] .. ':' .. ARGV[1], ARGV[2 * i + 1])
    for _, field in ipairs(redis.call('HKEYS', key)) do
      local counted = tonumber(string.match(field, '^requests:(%d+):'))
      if counted == stage then sum = sum + redis.call('HGET', key, field)
      elseif counted and counted < stage then redis.call('HDEL', key, field) end
    end
  end
  sums[i] = sum
end
return sums`;

/**
 * Adds to the numbers of one tick; then each tick asked for that there is, with its numbers as a text that loses no digit. 2 when
 * something there is no list of numbers: nothing is done then.
 */
const addNumbers = `
local function numbersIn(text)
  local numbers = {}
  for part in string.gmatch(text .. ',', '([^,]*),') do
    local number = tonumber(part)
    if not number or math.abs(number) == math.huge or number ~= number then return nil end
    numbers[#numbers + 1] = number
  end
  return numbers
end
local key, own = KEYS[1], ARGV[1]
local before = redis.call('HGET', key, own)
local numbers = before and numbersIn(before) or {}
if before and #numbers == 0 then return 2 end
for i, number in ipairs(numbersIn(ARGV[2])) do numbers[i] = (numbers[i] or 0) + number end
for i, number in ipairs(numbers) do numbers[i] = string.format('%.17g', number) end
local sums = table.concat(numbers, ',')
local found = {}
for tick = tonumber(ARGV[3]), tonumber(ARGV[4]) do
  local name = string.format('%d', tick)
  local text = name == own and sums or redis.call('HGET', key, name)
  if text then
    if not numbersIn(text) then return 2 end
    found[#found + 1] = name
    found[#found + 1] = text
  end
end
redis.call('HSET', key, own, sums)
redis.call('PEXPIRE', key, ARGV[5])
return found`;

/**
 * Keeps records in Redis, for any number of proxies: one hash a flag, `PREFIX:rollout:FLAG`. Time is Redis' own. Without
 * Redis, each operation rejects until it is back.
 */
export function redisStore({ url, prefix }: { url: URL; prefix: string }, clock: Clock): Store {
  const where = `Redis at ${url.host}`;
  const time = followClock(() => clock.now());
  const redis = openRedis(url, patience, ({ client }) => client);
  /** What this proxy counts under. */
  const self = randomBytes(4).toString('hex');
  // The connection has one deadline at a time.
  const { inTurn } = turns();
  const run = (script: string, keys: readonly string[], values: readonly (string | number)[]) =>
    redis
      .run((client) => client.eval(script, keys.length, ...keys, ...values))
      .catch((error: Error) => {
        throw problem(error, where, keys);
      });
  const keyOf = (name: string, flag: string) => `${prefix}:${name}:${flag}`;

  return {
    kept: 'redis',
    read: <S extends Stamped>(kind: Kind<S>, stamps: ReadonlyMap<string, string>) =>
      inTurn(async () => {
        const flags = [...stamps.keys()];
        const keys = flags.map((flag) => keyOf(kind.name, flag));
        const asked = clock.now();
        const answer = await run(look, keys, [...stamps.values()]);
        const answered = clock.now();
        const said = Array.isArray(answer) ? Number(answer[0]) * 1000 + Number(answer[1]) / 1000 : Number.NaN;
        if (!Array.isArray(answer) || !Number.isFinite(said))
          throw new StoreError('away', `${where} gave an answer that is none`);
        time.see({ asked, answered, said });
        const changed = new Map<string, S | null | StoreError>();
        for (const [index, flag] of flags.entries()) {
          const found: unknown = answer[index + 2];
          if (found === 1) continue;
          changed.set(flag, found === 0 ? null : readRecord(kind, found, flag, `${keys[index]} in ${where}`));
        }
        return changed;
      }),
    write: (kind, record, expected) =>
      inTurn(async () => {
        const key = keyOf(kind.name, record.flag);
        const latest = time.now() + patience.answer;
        const values = [expected, stampOf(record), JSON.stringify(record), latest];
        const done = await run(compareAndSet, [key], values);
        if (done === 2) throw foreign(`${key} in ${where}`);
        if (done === 3) throw new StoreError('away', `${where} took too long`);
        return done === 1;
      }),
    now: () => time.now(),
    shared: {
      // A raise is to take effect when everybody had time for four looks.
      every: 250,
      lead: 1000,
      mayReturn: 1000,
      count: (seen) =>
        inTurn(async () => {
          const keys = seen.map(({ flag }) => keyOf('rollout', flag));
          const values = seen.flatMap(({ stage, requests }) => [stage, requests]);
          const sums = await run(countRequests, keys, [self, ...values]);
          return Array.isArray(sums) ? sums.map(Number) : [];
        }),
      add: ({ series, tick, numbers, keptFor }, from, to) =>
        inTurn(async () => {
          const values = [tick, numbers.join(','), from, to, keptFor];
          const key = keyOf('ticks', series);
          const found = await run(addNumbers, [key], values);
          if (!Array.isArray(found)) throw foreign(`${key} in ${where}`);
          const sums = new Map<number, number[]>();
          for (let i = 0; i < found.length; i += 2)
            sums.set(
              Number(found[i]),
              String(found[i + 1])
                .split(',')
                .map(Number),
            );
          return sums;
        }),
    },
    close: async () => redis.close(),
  };
}

function readRecord<S extends Stamped>(
  { schema }: Kind<S>,
  found: unknown,
  flag: string,
  where: string,
): S | StoreError {
  try {
    const record = schema.parse(JSON.parse(String(found)));
    if (record.flag === flag) return record;
  } catch {
    // Said below.
  }
  return foreign(where);
}

const foreign = (where: string) =>
  new StoreError(
    'refused',
    `${where} is not the state as this version writes it. It is left as it is: put it right, or stop the proxies and delete the key to begin anew`,
  );

function problem(error: Error, where: string, keys: readonly string[]): StoreError {
  const { message } = error;
  // A script that does not fit what is there.
  if (message.includes('WRONGTYPE')) return foreign(`${keys.join(' or ')} in ${where}`);
  return isRefusal(error)
    ? new StoreError('refused', `${where} cannot be used as state: ${message}`, error)
    : new StoreError('away', `${where} cannot be reached: ${message}`, error);
}
