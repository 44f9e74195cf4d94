import net, { type Socket } from 'node:net';
import { seen } from './percentiles.ts';

// Asks at a fixed rate, whatever the answers take. A request's latency counts from the moment it was due, so that an answer
// that holds up others is felt by all of them: a client that waits for its answer before it asks again would leave out
// just the requests that would have been slow (coordinated omission). Takes a port, seconds, requests a second and a number
// of connections; prints what it saw.

const [port = 0, seconds = 0, rate = 0, count = 0] = process.argv.slice(2).map(Number);

/** When each request that waits for its answer was due. */
type Connection = { socket: Socket; due: number; text: string };

const latencies: number[] = [];
const idle: Connection[] = [];
/** When those were due that found no connection idle. */
const late: number[] = [];
const end = '\r\n\r\n';
let bytes = 0;

const keys = 10_000;
const ask = (connection: Connection, due: number) => {
  const key = 1 + Math.floor(Math.random() * keys);
  connection.due = due;
  connection.socket.write(
    `GET /fact/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: application/json\r\nUser-Agent: bench\r\nCookie: uid=user-${key}${end}`,
    'latin1',
  );
};

function fail(why: string): never {
  console.log(why);
  process.exit(1);
}

/** Length of the answer at the front of a text; undefined before its head is whole. */
function lengthOf(text: string): number | undefined {
  const head = text.indexOf(end);
  if (head < 0) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, head + 2))?.[1];
  if (length === undefined) return text.endsWith(`0${end}`) ? text.length : undefined;
  return head + end.length + Number(length);
}

function onText(connection: Connection, chunk: string): void {
  connection.text += chunk;
  const length = lengthOf(connection.text);
  if (length === undefined || connection.text.length < length) return;
  if (!connection.text.startsWith('HTTP/1.1 200 ')) fail(`an answer with ${connection.text.slice(0, 40)}`);
  bytes += length;
  connection.text = '';
  latencies.push(performance.now() - connection.due);
  const next = late.shift();
  if (next === undefined) idle.push(connection);
  else ask(connection, next);
}

for (let i = 0; i < count; i += 1) {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1');
  const connection = { socket, due: 0, text: '' };
  socket.on('data', (chunk: string) => onText(connection, chunk));
  socket.once('error', (error) => fail(String(error)));
  socket.once('close', () => fail('a connection was closed'));
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  idle.push(connection);
}

const total = Math.round(rate * seconds);
const begun = performance.now();
let asked = 0;

// A timer would be late by up to a millisecond, so this looks at the clock all the time.
function look(): void {
  const now = performance.now();
  for (;;) {
    const due = begun + (asked * 1000) / rate;
    if (asked === total || due > now) break;
    asked += 1;
    const connection = idle.shift();
    if (connection === undefined) late.push(due);
    else ask(connection, due);
  }
  if (latencies.length < total && now < begun + (seconds + 10) * 1000) return void setImmediate(look);
  if (latencies.length < total) fail(`${total - latencies.length} of ${total} requests were not answered`);
  console.log(`RESULT ${JSON.stringify(seen(latencies, (now - begun) / 1000, bytes))}`);
  process.exit(0);
}
look();
