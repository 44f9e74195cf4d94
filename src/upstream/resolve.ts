import dns from 'node:dns';
import type { LookupFunction } from 'node:net';

type Addresses = { address: string; family: number }[];
type Settled = (error: NodeJS.ErrnoException | null, addresses: Addresses) => void;

/** Milliseconds an answer is good for. The system's resolver does not say how long its own are. */
const timeToLive = 10_000;

/**
 * Looks names up as the system does (hosts file and search domains included), and keeps what it found for a while:
 * a lookup takes one of few threads, and connections come in bursts. A name is asked for once at a time. While it
 * cannot be looked up, the last answer stands.
 */
export function createResolver(
  now: () => number = () => performance.now(),
  ask: (name: string, settled: Settled) => void = (name, settled) =>
    dns.lookup(name, { all: true, order: 'verbatim' }, settled),
): LookupFunction {
  const known = new Map<string, { addresses: Addresses; until: number }>();
  const asking = new Map<string, Settled[]>();

  const settle = (name: string): Settled => {
    return (error, addresses) => {
      const waiting = asking.get(name) ?? [];
      asking.delete(name);
      if (error === null) known.set(name, { addresses, until: now() + timeToLive });
      const last = known.get(name);
      if (error !== null && last !== undefined) last.until = now() + timeToLive;
      for (const one of waiting)
        if (last !== undefined && error !== null) one(null, last.addresses);
        else one(error, addresses);
    };
  };

  return (name, { all, family }, callback) => {
    const answer: Settled = (error, addresses) => {
      if (error !== null) return callback(error, '');
      const fitting =
        family === 4 || family === 6 ? addresses.filter((one) => one.family === family) : addresses;
      const [first] = fitting;
      if (first === undefined)
        // Node would fail on an empty list where nobody catches it.
        callback(Object.assign(new Error(`no address for ${name}`), { code: 'ENOTFOUND' }), '');
      else if (all === true) callback(null, fitting);
      else callback(null, first.address, first.family);
    };
    const entry = known.get(name);
    if (entry !== undefined && entry.until > now()) return process.nextTick(answer, null, entry.addresses);
    const waiting = asking.get(name);
    if (waiting !== undefined) return void waiting.push(answer);
    asking.set(name, [answer]);
    ask(name, settle(name));
  };
}
