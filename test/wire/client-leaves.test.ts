import t from 'tap';
import net from 'node:net';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { request, until } from '../support/client.ts';
import { get, openDialogue, plain } from '../support/dialogue.ts';
import { startProxy } from '../support/proxy.ts';
import { startRawUpstream } from '../support/upstream.ts';

// An upstream that works on for nobody is what makes an overload worse: every impatient client that tries again adds
// one more request to those that nobody waits for any longer.
await t.test('58 A client that leaves cancels the upstream', async (t) => {
  const heard: string[] = [];
  const upstream = await startRawUpstream(t, (socket, received) => {
    socket.on('end', () => socket.destroy());
    socket.on('data', (chunk) => {
      heard.push(chunk.toString('latin1'));
      if (received().startsWith('GET /body'))
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
    });
  });
  const proxy = await startProxy(t, plain(upstream.url));
  const asked = () =>
    until(() => [...upstream.sockets].find(({ bytesRead }) => bytesRead > 0), 'the upstream is asked');

  const ways = {
    'by closing': (socket: net.Socket) => socket.destroy(),
    'by a reset': (socket: net.Socket) => socket.resetAndDestroy(),
    'by ending its side': (socket: net.Socket) => socket.end(),
  };
  for (const [way, leave] of Object.entries(ways)) {
    await t.test(`before the head, ${way}`, async (t) => {
      const { socket } = openDialogue(t, proxy.port, get('/head'));
      const busy = await asked();
      leave(socket);
      await letsGo(busy);
    });

    await t.test(`in the body of the answer, ${way}`, async (t) => {
      const client = openDialogue(t, proxy.port, get('/body'));
      const busy = await asked();
      await client.heard('first');
      leave(client.socket);
      await letsGo(busy);
    });

    for (const framing of ['Content-Length: 1000\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\n4\r\n'])
      await t.test(`in an upload, ${framing.slice(0, framing.indexOf(':'))}, ${way}`, async (t) => {
        const head = `POST /upload HTTP/1.1\r\nHost: a\r\n${framing}`;
        const { socket } = openDialogue(t, proxy.port, `${head}some`);
        const busy = await asked();
        leave(socket);
        await letsGo(busy);
      });
  }

  await t.test('with a second request waiting behind the first', async (t) => {
    const { socket } = openDialogue(t, proxy.port, get('/head') + get('/behind'));
    const busy = await asked();
    socket.resetAndDestroy();
    await letsGo(busy);
    t.notMatch(heard.join(''), /behind/, 'the second is never sent');
  });

  await t.test('while the connection to the upstream is still being made', async (t) => {
    const { port, wake, heard } = await startStuckListener(t);
    const proxy = await startProxy(t, plain(`http://127.0.0.1:${port}`, 'connectTimeout: 20s'));
    const before = connecting();
    const { socket } = openDialogue(t, proxy.port, get('/gone'));
    await until(() => connecting() > before, 'the proxy connects');
    socket.destroy();
    await until(() => connecting() === before, 'it gives up', 1000);
    wake();
    t.match(await request(proxy.port, '/next'), { status: 200 });
    t.same(heard, [get('/next').split('\r\n')[0]]);
  });
});

/** Waits until the proxy has closed a connection to the upstream. */
function letsGo(socket: net.Socket): Promise<unknown> {
  return until(() => socket.destroyed, "the upstream's socket closes", 1000);
}

/** Connections of this process that are still being made. */
function connecting(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'ConnectWrap').length;
}

/** A listener whose queue is full, so that the system lets connections wait, until `wake` is called. */
async function startStuckListener(
  t: Parameters<typeof startProxy>[0],
): Promise<{ port: number; wake: () => void; heard: string[] }> {
  const asleep = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads');
     const server = require('node:http').createServer((req, res) => {
       parentPort.postMessage(req.method + ' ' + req.url + ' HTTP/1.1');
       res.end();
     });
     server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(workerData, 0, 0);
     });`,
    { eval: true, workerData: asleep },
  );
  const [port] = (await once(worker, 'message')) as [number];
  const heard: string[] = [];
  worker.on('message', (line: string) => heard.push(line));
  const fillers: net.Socket[] = [];
  const wake = () => {
    for (const filler of fillers) filler.destroy();
    Atomics.store(asleep, 0, 1);
    Atomics.notify(asleep, 0);
  };
  t.teardown(() => {
    wake();
    return worker.terminate();
  });
  // The last one finds no place in the queue, and so will whoever comes after it.
  let connected = true;
  while (connected) {
    const filler = net.connect(port, '127.0.0.1').on('error', () => {});
    fillers.push(filler);
    connected = await Promise.race([
      once(filler, 'connect').then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 100)),
    ]);
  }
  return { port, wake, heard };
}
