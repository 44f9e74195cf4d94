import type { RequestListener, Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { seeded } from '../../src/guard/simulate.ts';
import type { Leaving } from '../support/steady-client.ts';

type Upstream = { server: Server; port: number };

/** How an upstream answers in a burst. */
type Fault = 'fails' | 'cuts' | 'hangs for a second';
const faults: readonly Fault[] = ['fails', 'cuts', 'hangs for a second'];

/** Keeps no process alive. */
const delay = (milliseconds: number) => wait(milliseconds, undefined, { ref: false });

/** What befalls both versions alike, by the chance of this seed. */
export function weather(seed: number) {
  const random = seeded(seed);
  const between = (low: number, high: number) => low + random() * (high - low);
  let burst: { fault: Fault; share: number } | undefined;
  let over = false;

  /** A fact after some milliseconds, in two pieces; one in a hundred fails. */
  const answer: RequestListener = (_req, res) => {
    const fault = burst !== undefined && random() < burst.share ? burst.fault : undefined;
    if (fault === 'cuts') return void res.destroy();
    const late = fault === 'hangs for a second' ? 1000 : between(1, 15);
    setTimeout(() => {
      res.writeHead(fault === 'fails' || random() < 0.01 ? 500 : 200).write('a ');
      setTimeout(() => res.end('fact'), 3);
    }, late);
  };

  const leaves = (): Leaving | undefined => {
    const chance = random();
    if (chance < 0.05) return { afterMs: between(0, 12) };
    return chance < 0.1 ? 'in the body' : undefined;
  };

  async function bursts(tell: (what: string) => void): Promise<void> {
    for (;;) {
      await delay(between(8000, 20_000));
      if (over) return;
      const fault = faults[Math.floor(random() * faults.length)] ?? 'fails';
      burst = { fault, share: between(0.2, 1) };
      const length = between(500, 4000);
      tell(
        `a burst: of both versions ${Math.round(burst.share * 100)} % ${fault}, for ${Math.round(length)} ms`,
      );
      await delay(length);
      burst = undefined;
    }
  }

  async function restarts(upstreams: readonly Upstream[], tell: (what: string) => void): Promise<void> {
    for (;;) {
      await delay(between(15_000, 30_000));
      if (over) return;
      const away = between(100, 2500);
      tell(`both are restarted, and away for ${Math.round(away)} ms`);
      for (const { server } of upstreams) {
        server.close();
        server.closeAllConnections();
      }
      await delay(away);
      for (const { server, port } of upstreams) server.listen(port, '127.0.0.1');
    }
  }

  return {
    answer,
    leaves,
    /** Lets it come over these, and says what comes. */
    over(upstreams: readonly Upstream[], tell: (what: string) => void): void {
      void bursts(tell);
      void restarts(upstreams, tell);
    },
    /** No more of it. */
    clear: () => void (over = true),
  };
}
