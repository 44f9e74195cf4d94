import t from 'tap';
import http from 'node:http';
import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { until } from '../support/client.ts';
import { openDialogue, plain, switching, upgrade } from '../support/dialogue.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const mebibyte = 1024 ** 2;
/** What the system buffers on its own, on four sockets, stays far below. */
const size = 32 * mebibyte;
/** Of a length that borders on nothing, so that a piece lost or doubled changes what follows it. */
const piece = Buffer.from(Array.from({ length: 65_521 }, (_, i) => (i * 7) % 251));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A sender that never gets ahead of what its socket took, and what it has sent. */
function startSending(to: Writable): { sent: number; hash: Hash } {
  const sender = { sent: 0, hash: createHash('sha1') };
  const next = () => {
    const part = piece.subarray(0, Math.min(piece.length, size - sender.sent));
    if (part.length === 0) return void to.end();
    to.write(part, (error) => {
      if (error) return;
      sender.sent += part.length;
      sender.hash.update(part);
      next();
    });
  };
  next();
  return sender;
}

/** Waits until a sender has got no further for 200 ms. */
async function stalled(sender: { sent: number }): Promise<number> {
  let sent = 0;
  let since = performance.now();
  await until(() => {
    if (sender.sent !== sent) {
      sent = sender.sent;
      since = performance.now();
    }
    return sent > 0 && performance.now() - since > 200;
  }, 'the sender stands still');
  return sent;
}

async function readAll(stream: Readable): Promise<{ bytes: number; hash: string }> {
  const hash = createHash('sha1');
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += (chunk as Buffer).length;
    hash.update(chunk as Buffer);
  }
  return { bytes, hash: hash.digest('hex') };
}

/** Bytes of buffers that are in use; what a collection found unused is freed a little later, elsewhere. */
function bufferedHere(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

await t.test('59 Backpressure acts both ways, and memory stays flat', async (t) => {
  let download: ReturnType<typeof startSending> | undefined;
  let upload: http.IncomingMessage | undefined;
  const upstream = await startUpstream(t, (req, res) => {
    if (req.method === 'GET') download = startSending(res);
    else {
      upload = req;
      req.on('end', () => res.end('taken'));
    }
  });
  upstream.server.on('upgrade', (_req, socket) => {
    socket.on('error', () => {});
    socket.write(switching);
    download = startSending(socket);
  });
  const proxy = await startProxy(t, plain(upstream.url, 'idleTimeout: 30s'));
  const call = (method: string, headers: http.OutgoingHttpHeaders = {}) =>
    http.request({ host: '127.0.0.1', port: proxy.port, method, headers, agent: false });

  await t.test('a client that does not read stalls the upstream', async (t) => {
    const before = bufferedHere();
    const req = call('GET');
    req.end();
    const [res] = (await once(req, 'response')) as [http.IncomingMessage];
    const sender = await until(() => download, 'the upstream sends');
    const sent = await stalled(sender);
    t.ok(sent < size * 0.75, `stands still after ${Math.round(sent / mebibyte)} MiB`);
    await until(() => bufferedHere() - before < 4 * mebibyte, 'little of it is held in this process', 2000);
    const { bytes, hash } = await readAll(res);
    t.equal(bytes, size, 'and all of it comes once it is read');
    t.equal(hash, sender.hash.digest('hex'));
    download = undefined;
  });

  await t.test('an upstream that does not read stalls the client', async (t) => {
    const before = bufferedHere();
    const req = call('POST', { 'x-read-body': 'no' });
    const answered = once(req, 'response') as Promise<[http.IncomingMessage]>;
    const sender = startSending(req);
    const sent = await stalled(sender);
    t.ok(sent < size * 0.75, `stands still after ${Math.round(sent / mebibyte)} MiB`);
    await until(() => bufferedHere() - before < 4 * mebibyte, 'little of it is held in this process', 2000);
    const { bytes, hash } = await readAll(await until(() => upload, 'the upstream is asked'));
    t.equal(bytes, size, 'and all of it comes once it is read');
    t.equal(hash, sender.hash.digest('hex'));
    const [res] = await answered;
    t.equal(res.statusCode, 200);
    res.resume();
  });

  await t.test('a client that does not read a tunnel stalls the upstream', async (t) => {
    const before = bufferedHere();
    const { socket } = openDialogue(t, proxy.port);
    socket.removeAllListeners('data').pause();
    socket.write(upgrade('/tunnel'));
    const sender = await until(() => download, 'the upstream sends');
    const sent = await stalled(sender);
    t.ok(sent < size * 0.75, `stands still after ${Math.round(sent / mebibyte)} MiB`);
    await until(() => bufferedHere() - before < 4 * mebibyte, 'little of it is held in this process', 2000);
    let bytes = 0;
    for await (const chunk of socket) bytes += (chunk as Buffer).length;
    t.ok(bytes > size, 'and all of it comes once it is read, behind the head');
  });
});
