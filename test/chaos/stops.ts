import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { ask, startBeside } from '../support/beside.ts';
import { startUpstream } from '../support/upstream.ts';
import { must, type Fault } from './fault.ts';

export const stops: Fault = {
  name: 'SIGTERM under load, with streams and WebSockets',
  async run(trial) {
    const upstream = await startUpstream(trial, (_req, res) => {
      res.writeHead(200, { 'content-length': 10 }).write('begun');
      setTimeout(() => res.end('ended'), Math.random() * 800);
    });
    const sockets = new WebSocketServer({ server: upstream.server });
    trial.teardown(() => sockets.close());
    const ends = { whole: 0, refused: 0, otherwise: 0 };
    const codes = new Set<number>();
    let rounds = 0;
    for (; !trial.isOver() || rounds < 2; rounds += 1) {
      const proxy = await startBeside(trial, upstream.url, { shutdown: 'delay: 500ms, drain: 2s' });
      const tunnel = new WebSocket(`ws://127.0.0.1:${proxy.port}/sick/`);
      await once(tunnel, 'open');
      const closed = once(tunnel, 'close') as Promise<[number]>;
      const over = new AbortController();
      const load = async () => {
        while (!over.signal.aborted) {
          const { status, cut } = await proxy.sick();
          if (status === 200 && !cut) ends.whole += 1;
          else if (status === 0) ends.refused += 1;
          else ends.otherwise += 1;
          if (status === 0) await delay(20);
        }
      };
      const loading = Promise.all(Array.from({ length: 20 }, load));
      await delay(700);
      proxy.child.kill('SIGTERM');
      const begun = performance.now();
      const served = ask(proxy.port, '/well');
      const { code, signal, stderr } = await proxy.ended;
      over.abort();
      await loading;
      const took = performance.now() - begun;
      must(code === 0 && signal === null && stderr === '', `the end was ${code} ${signal} ${stderr}`);
      must(took < 6000, `it took ${took.toFixed(0)} ms`);
      must((await served).status === 200, 'new work was not taken for shutdown.delay');
      must(ends.otherwise === 0, `${ends.otherwise} requests under way were cut, or not served`);
      const [closing] = await closed;
      codes.add(closing);
    }
    return `${rounds} stops, each with exit 0; ${ends.whole} requests whole, ${ends.refused} refused, none cut; WebSockets ended with ${[...codes].join(', ')}`;
  },
};
