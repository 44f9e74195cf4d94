import t from 'tap';
import type { RequestListener } from 'node:http';
import { runHere } from '../support/command.ts';
import { until } from '../support/client.ts';
import { fine, startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';

/** Fails, and takes its time: what is under way at the rollback ends long after it. */
const failingLate: RequestListener = (_req, res) => void setTimeout(() => res.writeHead(500).end(), 3000);

await t.test(
  'after a rollback a person starts again: nothing of the old counts, and a mended v1 goes through',
  async (t) => {
    let answer = failingLate;
    const { proxy, ...shown } = await startGuarded(t, { v1: (req, res) => answer(req, res), stage: '5s' });
    const client = steadyClient(t, [proxy.port], { rate: 80 });
    const trip = await shown.found(20_000);
    t.match(await shown.rollout(), { status: 'reverted', percent: 0 });

    answer = fine;
    const admin = `http://127.0.0.1:${proxy.adminPort}`;
    t.match(await runHere(t, ['rollout', 'start', '--why', 'v1 is mended', '--admin', admin]), { code: 0 });
    const started = Date.now();
    t.match(await shown.rollout(), { status: 'in_progress', regression: undefined });
    await until(async () => (await shown.guard()).seen.treatment.units > 20, 'counts again');
    const endedSince = () =>
      client.asked.filter(
        ({ sentAt, status }) => status === 500 && sentAt < started && sentAt > started - 2500,
      );
    await until(() => endedSince().length > 20, 'much of the old v1 ended since', 5000);
    t.match(await shown.guard(), {
      trip: undefined,
      epoch: { number: 1 },
      seen: { treatment: { failed: 0 } },
    });

    await until(async () => (await shown.rollout()).status === 'completed', 'through', 40_000);
    await client.stop();
    t.match(await shown.guard(), { trip: undefined, seen: { treatment: { failed: 0 } } });
    const { history } = await shown.rollout();
    t.same(
      history.map(({ who, verb }) => `${who} ${verb}`),
      ['configuration start', 'guard rollback', 'person start', 'schedule advance', 'schedule complete'],
    );
    t.match(history[1], { why: trip.words });
  },
);
