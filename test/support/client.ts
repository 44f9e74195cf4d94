import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';

/** A whole answer. `cut` when it ended before it was complete. */
export type Answer = {
  status: number;
  reason: string;
  headers: http.IncomingHttpHeaders;
  rawHeaders: string[];
  trailers: http.IncomingHttpHeaders;
  body: string;
  cut: boolean;
};

type Options = http.RequestOptions & { body?: string; agent?: http.Agent };

/** One request with Node's own client; the answer read to its end. */
export async function request(port: number, path: string, options: Options = {}): Promise<Answer> {
  const { body, ...rest } = options;
  const req = http.request({ host: '127.0.0.1', port, path, agent: false, ...rest });
  req.end(body);
  const [res] = (await once(req, 'response')) as [http.IncomingMessage];
  return readAnswer(res);
}

export async function readAnswer(res: http.IncomingMessage): Promise<Answer> {
  let body = '';
  let cut = false;
  res.setEncoding('latin1');
  try {
    for await (const chunk of res) body += chunk;
  } catch {
    cut = true;
  }
  return {
    status: res.statusCode ?? 0,
    reason: res.statusMessage ?? '',
    headers: res.headers,
    rawHeaders: res.rawHeaders,
    trailers: res.trailers,
    body,
    cut: cut || !res.complete,
  };
}

/** Sends bytes as they are and gathers what comes back until the other side closes. */
export async function sendRaw(port: number, bytes: string, close = true): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.setEncoding('latin1');
  let received = '';
  socket.on('data', (chunk) => (received += String(chunk)));
  socket.on('error', () => {});
  if (close) socket.end(bytes, 'latin1');
  else socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return received;
}

/** Waits until `condition` gives something truthy, and gives that; fails after `within` milliseconds. */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  within = 5000,
): Promise<Exclude<NonNullable<T>, false>> {
  const deadline = performance.now() + within;
  // Most of what is waited for is there within a moment.
  for (let pause = 1; ; pause = Math.min(10, pause * 2)) {
    const value = await condition();
    if (value) return value as Exclude<NonNullable<T>, false>;
    if (performance.now() > deadline) throw new Error(`not within ${within} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
