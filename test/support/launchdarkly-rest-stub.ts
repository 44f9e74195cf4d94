import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { until } from './client.ts';

/**
 * What goes wrong with one request, in place of an answer; `none`: nothing. `lost`: it is done, and not answered;
 * `ignored`: the other way round.
 */
export type Mishap =
  | 'none'
  | 'cut'
  | 'hang'
  | 'lost'
  | 'ignored'
  | 'half'
  | 'huge'
  | { status: number; headers?: Record<string, string>; body?: string };

type Flag = { on: boolean; offVariation?: number; variations: unknown[] };

const names = {
  project: 'my project/ä',
  environment: 'prod&eu',
  flag: 'api.version/2',
  apiToken: 'api-very-secret',
};

/**
 * LaunchDarkly's REST API, as far as turning one flag off goes. A request that is not to the letter what LaunchDarkly
 * wants is answered 400, and kept in `mistakes`. Keys hold what an address has to encode.
 */
export async function launchDarklyRest(t: Pick<Test, 'teardown'>, flag: Partial<Flag> = {}, base = '') {
  const state: Flag = { on: true, offVariation: 0, variations: ['v0', 'v1'], ...flag };
  const mishaps: Mishap[] = [];
  const mistakes: string[] = [];
  const seen: { method: string; body: Record<string, unknown> | undefined }[] = [];
  const sockets = new Set<Socket>();
  const path = `${base}/api/v2/flags/my%20project%2F%C3%A4/api.version%2F2`;

  const representation = () => ({
    key: names.flag,
    kind: 'multivariate',
    variations: state.variations.map((value, index) => ({ _id: String(index), value })),
    environments: {
      [names.environment]: {
        on: state.on,
        ...(state.offVariation !== undefined && { offVariation: state.offVariation }),
        salt: 'a-salt',
        fallthrough: { variation: 1 },
      },
      'some other': { on: true, archived: false },
    },
  });

  /** What is wrong with a request; nothing when it is as documented. */
  function mistakeIn({ method, url, headers }: http.IncomingMessage, text: string): string | undefined {
    if (headers.authorization !== names.apiToken) return `authorization: ${headers.authorization}`;
    if (headers['ld-api-version'] !== '20240415') return `version: ${String(headers['ld-api-version'])}`;
    if (method === 'GET')
      return url === `${path}?env=prod%26eu` && text === '' ? undefined : `GET ${url} ${text}`;
    if (method !== 'PATCH' || url !== path) return `${method} ${url}`;
    const type = headers['content-type'];
    if (type !== 'application/json; domain-model=launchdarkly.semanticpatch') return `type: ${type}`;
    const { comment, ...rest } = JSON.parse(text) as Record<string, unknown>;
    const wanted = { environmentKey: names.environment, instructions: [{ kind: 'turnFlagOff' }] };
    return typeof comment === 'string' && JSON.stringify(rest) === JSON.stringify(wanted) ? undefined : text;
  }

  function answer(req: http.IncomingMessage, res: http.ServerResponse, text: string): void {
    const mistake = mistakeIn(req, text);
    seen.push({
      method: req.method ?? '',
      body: text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>),
    });
    const json = { 'content-type': 'application/json' };
    const mishap = mishaps.shift();
    if (mistake !== undefined) {
      mistakes.push(mistake);
      res.writeHead(400, json).end('{"code":"invalid_request","message":"not as documented"}');
    } else if (mishap === 'cut') req.socket.destroy();
    else if (mishap === 'lost') {
      state.on = false;
      req.socket.destroy();
    } else if (mishap === 'half') {
      res.writeHead(200, { ...json, 'content-length': '1000' }).write('{"variations"');
      setImmediate(() => req.socket.destroy());
    } else if (mishap === 'huge') void endless(res.writeHead(200, json));
    else if (typeof mishap === 'object') res.writeHead(mishap.status, mishap.headers).end(mishap.body);
    else if (mishap !== 'hang') {
      if (req.method === 'PATCH' && mishap !== 'ignored') state.on = false;
      res.writeHead(200, json).end(JSON.stringify(representation()));
    }
  }

  const server = http.createServer((req, res) => {
    let text = '';
    req.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)));
    req.on('error', () => {}).on('end', () => answer(req, res, text));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  return {
    names,
    port,
    origin: `http://127.0.0.1:${port}`,
    url: new URL(`http://127.0.0.1:${port}${base}`),
    /** The flag as it is now. */
    state,
    /** What goes wrong with the next requests, one after the other. */
    mishaps,
    mistakes,
    seen,
    connections: () => sockets.size,
    /** Waits for this many requests. */
    gets: (count: number) => until(() => seen.length >= count, `request ${count}`),
  };
}

/** Blanks, until nobody reads any more. */
async function endless(res: http.ServerResponse): Promise<void> {
  const blanks = Buffer.alloc(4 * 1024 ** 2, ' ');
  while (!res.destroyed) {
    res.write(blanks);
    await delay(1);
  }
}
