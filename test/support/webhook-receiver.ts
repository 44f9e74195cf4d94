import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { until } from './client.ts';

/** A message as it came. */
export type Delivery = {
  method: string;
  path: string;
  headers: http.IncomingHttpHeaders;
  body: string;
};

/** `cut` ends the connection, `hang` answers never. */
export type Reply =
  number | 'cut' | 'hang' | { status: number; headers?: Record<string, string>; body?: string };

/** A webhook that keeps what it gets; `reply` is asked what to answer, 200 when it does not say. */
export async function webhookReceiver(
  t: Pick<Test, 'teardown'>,
  reply: (delivery: Delivery, count: number) => Reply | undefined = () => 200,
) {
  const deliveries: Delivery[] = [];
  const server = http.createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('error', () => {});
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { method = '', url: path = '', headers } = req;
      const delivery = { method, path, headers, body: Buffer.concat(chunks).toString() };
      deliveries.push(delivery);
      const answer = reply(delivery, deliveries.length) ?? 200;
      if (answer === 'hang') return;
      if (answer === 'cut') req.socket.destroy();
      else if (typeof answer === 'number') res.writeHead(answer).end();
      else res.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    /** Its path is its password. */
    url: new URL(`${origin}/services/T0/B0/very_secret`),
    deliveries,
    /** Waits for this many messages, and gives the last. */
    async gets(count: number): Promise<Delivery> {
      await until(() => deliveries.length >= count, `message ${count}`);
      return deliveries[count - 1] as Delivery;
    },
  };
}

/** The signature that Standard Webhooks wants, by HMAC as RFC 2104 has it. */
export function expectedSignature({ headers, body }: Delivery, key: Buffer): string {
  const block = Buffer.alloc(64);
  (key.length > 64 ? sha256(key) : key).copy(block);
  const padded = (byte: number) => block.map((one) => one ^ byte) as Buffer;
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  return `v1,${sha256(padded(0x5c), sha256(padded(0x36), signed)).toString('base64')}`;
}

const sha256 = (...parts: (Buffer | string)[]) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
