import type { Test } from 'tap';
import { until } from '../support/client.ts';
import { refuses } from '../support/wire.ts';
import { data, headers, speakFrames, type Fate, type Field, type FrameClient } from '../support/frames.ts';
import type { World } from './world.ts';

/** Shows a behaviour. */
export type Run = (t: Test, world: World) => Promise<void>;

/** Why there is nothing to show. */
export type Reason = string;

/** One row of the wire contract, and how it is shown with either protocol. */
export type Behaviour = { number: number; name: string; http1: Run; http2: Run | Reason };

/** A behaviour that is shown in one way, whatever the protocol. */
export const both = (number: number, name: string, run: Run): Behaviour => ({
  number,
  name,
  http1: run,
  http2: run,
});

export const each = (number: number, name: string, http1: Run, http2: Run | Reason): Behaviour => ({
  number,
  name,
  http1,
  http2,
});

/** One after the other. */
export const inOrder =
  (...runs: readonly Run[]): Run =>
  async (t, world) => {
    for (const run of runs) await run(t, world);
  };

type Statuses = number | readonly number[];

/** With HTTP/1.1: each of these gets one refusal, the connection ends, and not a byte reaches the upstream. */
export const refusesBytes =
  (statuses: Statuses, attacks: readonly string[]): Run =>
  async (t, { door, recorded: { port, upstream } }) => {
    for (const bytes of attacks)
      await refuses(t, { port: () => door.connect(port), upstream }, bytes, statuses, shorten(bytes));
  };

/** A request in fields, and the DATA behind it; without any it ends with its head. */
export type Attack = { fields: readonly Field[]; body?: string };

/**
 * With HTTP/2: each of these is refused, with an answer of these statuses or by a reset, and not a byte reaches the
 * upstream. The connection goes on serving, unless it was ended with GOAWAY.
 */
export const refusesFields = (statuses: Statuses, attacks: readonly Attack[]): Run => {
  return eachOnConnection(attacks, async (t, { upstream }, before, fate, name) => {
    t.ok(isRefused(fate, statuses), `${name}: refused (${tell(fate)})`);
    t.equal(upstream.bytes().slice(before), '', `${name}: nothing upstream`);
  });
};

/**
 * With HTTP/2: of a field that holds what none may hold, nothing goes further. nghttp2 leaves it out before anybody sees
 * it, so that the request is served without, or refuses the request.
 */
export const dropsFields = (attacks: readonly Attack[]): Run => {
  return eachOnConnection(attacks, async (t, { upstream }, before, fate, name) => {
    const [message] = upstream.messages.slice(-1);
    const seen = upstream.bytes().slice(before);
    t.ok(isRefused(fate, 400) || fate.status === 200, `${name}: refused, or served without (${tell(fate)})`);
    t.ok(seen === '' || seen === message?.bytes, `${name}: one request upstream, or none`);
    const lines = seen.slice(0, seen.indexOf('\r\n\r\n')).split('\r\n').slice(1);
    const others = lines
      .map((line) => line.split(':', 1)[0]?.toLowerCase() ?? '')
      .filter((one) => !usual.has(one));
    t.same(others, [], `${name}: with no field but the usual`);
  });
};

/** What the upstream gets with every request. */
const usual = new Set([
  '',
  'host',
  'connection',
  'via',
  'transfer-encoding',
  'x-api-version',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-request-id',
]);

type Judge = (
  t: Test,
  recorded: World['recorded'],
  before: number,
  fate: Fate,
  name: string,
) => Promise<void>;

/** What the behaviour before this one sent may still be on its way. */
async function quiet(upstream: World['recorded']['upstream']): Promise<void> {
  let before = -1;
  await until(async () => {
    const now = upstream.bytes().length;
    if (now === before) return true;
    before = now;
    await new Promise((resolve) => void setTimeout(resolve, 50));
    return false;
  }, 'nothing more comes upstream');
}

/** Sends one after the other over one connection, or a new one when that was ended; after each it must serve. */
function eachOnConnection(attacks: readonly Attack[], judge: Judge): Run {
  return async (t, { door, recorded }) => {
    let client: FrameClient | undefined;
    let stream = 1;
    await quiet(recorded.upstream);
    for (const { fields, body } of attacks) {
      const name = shorten(JSON.stringify([...fields.filter(([one]) => !plainly.has(one)), body]));
      const before = recorded.upstream.bytes().length;
      if (client === undefined || client.gone() !== undefined) {
        client = speakFrames(await door.connect(recorded.port));
        stream = 1;
      }
      client.send(
        headers(stream, fields, body === undefined),
        ...(body === undefined ? [] : [data(stream, body)]),
      );
      const fate = await client.over(stream);
      await judge(t, recorded, before, { ...fate, reset: fate.reset ?? client.gone() }, name);
      stream += 2;
      if (client.gone() !== undefined) {
        client = speakFrames(await door.connect(recorded.port));
        stream = 1;
      }
      await servesOn(t, client, stream, name);
      stream += 2;
      t.match(recorded.upstream.messages.at(-1)?.startLine, /\/after /, `${name}: and so does the upstream`);
    }
    client?.socket.destroy();
  };
}

const plainly = new Set([':method', ':scheme', ':path', ':authority']);

const isRefused = ({ status, reset }: Fate, statuses: Statuses): boolean =>
  status === undefined ? (reset ?? 0) > 0 : [statuses].flat().includes(status);

const tell = ({ status, reset }: Fate) => `${status ?? 'no answer'}, RST_STREAM or GOAWAY ${reset}`;

/** Shows that a connection serves a good request. */
export async function servesOn(t: Test, client: FrameClient, stream: number, name: string): Promise<void> {
  client.send(headers(stream, good('/after')));
  const { status, ended } = await client.over(stream);
  t.same({ status, ended }, { status: 200, ended: true }, `${name}: what comes after it is served`);
}

/** The head of a good request, with more fields behind it. */
export const good = (path: string, more: readonly Field[] = [], method = 'GET'): Field[] => [
  [':method', method],
  [':scheme', 'http'],
  [':authority', 'client.example'],
  [':path', path],
  ...more,
];

/** A good request but for this. */
export const withFields = (...more: Field[]): Attack => ({ fields: good('/fact/', more) });

/** A good request but for one of its pseudo-header fields, which is left out when undefined. */
export const withPseudo = (name: string, value: string | undefined): Attack => ({
  fields: good('/fact/').flatMap(([one, old]): Field[] =>
    one !== name ? [[one, old]] : value === undefined ? [] : [[one, value]],
  ),
});

export const withBody = (attack: Attack, body: string): Attack => ({
  body,
  fields: attack.fields.map(([name, value]) => [name, name === ':method' ? 'POST' : value]),
});

export const shorten = (text: string): string => (text.length > 120 ? `${text.slice(0, 110)}…` : text);
