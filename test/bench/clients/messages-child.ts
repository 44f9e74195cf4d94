import { once } from 'node:events';
import { WebSocket } from 'ws';
import { seen } from './percentiles.ts';

// WebSockets that say something, and again when they hear it back. Takes a port, seconds, a number of connections and the
// bytes of a message; prints what it saw.

const [port = 0, seconds = 0, count = 0, size = 0] = process.argv.slice(2).map(Number);
const message = 'm'.repeat(size);
const latencies: number[] = [];
const sockets: WebSocket[] = [];

for (let i = 0; i < count; i += 1) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/fact/`, {
    perMessageDeflate: false,
    headers: { cookie: `uid=user-${i}` },
  });
  socket.once('error', (error) => {
    console.log(String(error));
    process.exit(1);
  });
  await once(socket, 'open');
  sockets.push(socket);
}

const begun = performance.now();
for (const socket of sockets) {
  let at = performance.now();
  socket.on('message', () => {
    const now = performance.now();
    latencies.push(now - at);
    at = now;
    socket.send(message);
  });
  socket.send(message);
}
setTimeout(() => {
  const elapsed = (performance.now() - begun) / 1000;
  console.log(`RESULT ${JSON.stringify(seen(latencies, elapsed, 2 * size * latencies.length))}`);
  process.exit(0);
}, seconds * 1000);
