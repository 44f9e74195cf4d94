import { readAsNodeServer } from './node-readers.ts';
import { passedOn, pathOf, same, trailingOn } from './policy.ts';
import { readRequest, type Conversation, type ReadRequest } from './request-reader.ts';
import type { Arrival, Observation } from './world.ts';

/** The arrival of each request of the client, by its number; one that broke off may be there, too. */
export type Arrived = Map<number, Arrival>;

/** The upstream sees each request at most once, in order, as it was meant, and nothing else. */
export async function judgeArrivals(
  meant: Conversation,
  { arrivals }: Observation,
  upstreamHost: string,
): Promise<Arrived> {
  const candidates = [
    ...meant.requests,
    ...(meant.afterwards?.request === undefined ? [] : [meant.afterwards.request]),
  ];
  const arrived: Arrived = new Map();
  let next = 0;
  for (const [number, arrival] of arrivals.entries()) {
    const reading = readRequest(arrival.text);
    const { request } = reading;
    if (reading.kind === 'malformed' || request === undefined)
      throw new Error(`the upstream got what is no request: ${JSON.stringify(arrival.text)}`);
    const complete = reading.kind === 'complete';
    const before = arrivals[number - 1];
    if (before !== undefined && isReplay(before, arrival, request)) {
      arrived.set(next - 1, arrival);
      continue;
    }
    const index = candidates.findIndex(
      (one, i) =>
        i >= next && unlike(one, request, complete, upstreamHost, i < meant.requests.length) === undefined,
    );
    if (index < 0) {
      const one = candidates[next];
      const why = one && unlike(one, request, complete, upstreamHost, next < meant.requests.length);
      throw new Error(
        `the upstream got a request that nobody meant (${why ?? 'one too many'}): ${JSON.stringify(arrivals.map(({ text }) => text))}`,
      );
    }
    next = index + 1;
    arrived.set(index, arrival);
    if (reading.kind !== 'complete') continue;
    const behind = arrival.text.slice(reading.next);
    if (!(request.tunnel ? meant.tunnelled.startsWith(behind) : behind === ''))
      throw new Error(`the upstream got more than a request: ${JSON.stringify(behind)}`);
    await judgeByNode(arrival.text, request);
  }
  return arrived;
}

/** A request without effect goes a second time when the connection it was put on turned out dead. */
function isReplay(before: Arrival, arrival: Arrival, request: ReadRequest): boolean {
  const silent = before.dead || before.script.bytes === '' || before.script.afterwards === 'reset';
  const harmless =
    request.framing !== 'chunked' && request.body === '' && !['POST', 'PATCH'].includes(request.method);
  return before.reused && silent && harmless && before.text === arrival.text;
}

/** What distinguishes a request that arrived from one that was meant. */
function unlike(
  meant: ReadRequest,
  got: ReadRequest,
  complete: boolean,
  upstreamHost: string,
  whole: boolean,
): string | undefined {
  if (complete && !whole) return 'complete, though its sender never completed it';
  if (meant.refused !== undefined) return meant.refused;
  if (got.method !== meant.method) return `method ${got.method}`;
  if (got.target !== pathOf(meant.target, meant.method)) return `target ${got.target}`;
  if (got.framing !== meant.framing) return `framing ${got.framing}`;
  if (got.tunnel !== meant.tunnel) return 'a tunnel or not';
  if (complete ? got.body !== meant.body : !meant.body.startsWith(got.body)) return 'another body';
  if (complete && !same(got.trailers, trailingOn(meant.trailers, meant.headers)))
    return `trailers ${JSON.stringify(got.trailers)}`;
  const added = new Map<string, string[]>();
  const kept = got.headers.filter(([name, value]) => {
    if (!own.has(name)) return true;
    added.set(name, [...(added.get(name) ?? []), value]);
    return false;
  });
  const expected = passedOn(meant.headers, meant.tunnel);
  const via = expected.flatMap(([name, value]) => (name === 'Via' ? [value] : []));
  if (
    !same(
      kept,
      expected.filter(([name]) => name !== 'Via'),
    )
  )
    return `headers ${JSON.stringify(kept)} for ${JSON.stringify(expected)}`;
  const said = (name: string) => added.get(name)?.join('|') ?? '';
  const codings = meant.headers.filter(([name]) => name.toLowerCase() === 'te').map(([, value]) => value);
  const takesTrailers = /(^|[\s,])trailers($|[\s,])/i.test(codings.join());
  const te = takesTrailers && !meant.tunnel;
  if (said('Host') !== upstreamHost) return `Host ${said('Host')}`;
  if (said('X-Forwarded-For') !== '127.0.0.1') return `X-Forwarded-For ${said('X-Forwarded-For')}`;
  if (said('X-Forwarded-Proto') !== 'http') return `X-Forwarded-Proto ${said('X-Forwarded-Proto')}`;
  if (added.get('X-Forwarded-Host')?.length !== 1) return 'X-Forwarded-Host';
  if (added.get('X-Request-Id')?.length !== 1) return 'X-Request-Id';
  if (
    !/^1\.1 trenchcoat-\w+$/.test(added.get('Via')?.at(-1) ?? '') ||
    added.get('Via')?.length !== via.length + 1
  )
    return `Via ${said('Via')}`;
  if (said('TE') !== (te ? 'trailers' : '')) return `TE ${said('TE')}`;
  if (said('Connection') !== (meant.tunnel ? 'Upgrade' : te ? 'TE' : ''))
    return `Connection ${said('Connection')}`;
  return undefined;
}

/** What the proxy says itself, as it spells it. */
const own = new Set(
  'Host X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto Via X-Request-Id TE Connection Upgrade Transfer-Encoding'.split(
    ' ',
  ),
);

async function judgeByNode(text: string, request: ReadRequest): Promise<void> {
  if (request.tunnel) return;
  const node = await readAsNodeServer(text);
  const { method, target: url, body } = request;
  if (node === undefined || node.method !== method || node.url !== url || node.body !== body)
    throw new Error(`Node reads another request, ${JSON.stringify(node)}: ${JSON.stringify(text)}`);
}
