import { readFileSync } from 'node:fs';
import net, { type Socket } from 'node:net';
import { startBeside } from '../support/beside.ts';
import { peakMegabytes } from '../support/command.ts';
import { must, type Fault, type Trial } from './fault.ts';

/** The default of `limits.connections`, without the places of those who are served beside the crowd. */
const wanted = 9900;

/** The descriptors of this process are the bound; those of the proxy are as many. */
function possible(): number {
  const [, soft = '0'] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return Math.min(wanted, Number(soft) - 300);
}

/** A crowd that says `first`, and now and then `drip`, until each of it is closed for that; `reason` is how. */
const crowd = (name: string, first: string, drip: string, limits: string, reason: RegExp): Fault => ({
  name,
  async run(trial: Trial) {
    const count = possible();
    const proxy = await startBeside(trial, 'http://127.0.0.1:9', { limits });
    const clients: { socket: Socket; received: string; openFor: number }[] = [];
    trial.teardown(() => {
      for (const { socket } of clients) socket.destroy();
    });
    const connect = () =>
      new Promise<void>((resolve) => {
        const begun = performance.now();
        const socket = net.connect(proxy.port, '127.0.0.1').setEncoding('latin1');
        const client = { socket, received: '', openFor: 0 };
        clients.push(client);
        socket.on('data', (text) => (client.received += String(text)));
        socket.on('error', () => resolve()).on('connect', () => resolve());
        socket.on('close', () => (client.openFor = performance.now() - begun));
        socket.write(first);
      });
    const open = () => clients.filter(({ socket }) => !socket.destroyed).length;
    let most = 0;
    const { unserved, served, slowest } = await proxy.meanwhile(async () => {
      while (clients.length < count)
        await Promise.all(Array.from({ length: Math.min(100, count - clients.length) }, connect));
      most = open();
      trial.tell(`${most} connections are open`);
      const deadline = performance.now() + 60_000;
      for (let last = Infinity; open() > 0 && performance.now() < deadline;) {
        if (drip !== '') for (const { socket } of clients) if (socket.writable) socket.write(drip);
        await new Promise((resolve) => setTimeout(resolve, 1000));
        if (open() < last) trial.tell(`${open()} are open`);
        last = open();
      }
    });
    must(most > count / 2, `no more than ${most} of ${count} connections stood at once`);
    must(open() === 0, `${open()} were never closed`);
    const otherwise = clients.find(({ received }) => !reason.test(received));
    must(otherwise === undefined, `one was closed otherwise: ${JSON.stringify(otherwise?.received)}`);
    must(unserved.length === 0, `${unserved.length} others were not served`);
    await proxy.settled();
    const times = clients.map(({ openFor }) => openFor / 1000);
    const [shortest, longest] = [Math.min(...times).toFixed(0), Math.max(...times).toFixed(0)];
    return `${most} at once, each closed after ${shortest} to ${longest} s; ${served} others served, in ${slowest.toFixed(0)} ms at the most; peak ${peakMegabytes(proxy.child.pid).toFixed(0)} MB`;
  },
});

const get = 'GET /well HTTP/1.1\r\nHost: a\r\n\r\n';
const late = /^HTTP\/1\.1 408 /;

export const crowds: readonly Fault[] = [
  crowd('10,000 connections that say nothing', '', '', 'headTimeout: 15s', late),
  crowd('10,000 that ask once and stay', get, '', 'keepAliveTimeout: 15s', /^HTTP\/1\.1 200 [^]*well$/),
  crowd('10,000 slowloris', get.slice(0, -2), 'X-A: b\r\n', 'headTimeout: 15s', late),
];
