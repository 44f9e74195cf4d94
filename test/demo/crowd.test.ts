import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import { startCrowd } from '../../src/demo/crowd.ts';
import { until } from '../support/client.ts';
import { manualClock } from '../support/clock.ts';

const everybody = Array.from({ length: 100 }, (_, index) => `visitor-${index + 1}`);
const every = 1000;

/** A crowd on a clock of its own, before a server that answers so. `round` lets everybody ask once. */
async function openCrowd(t: Test, answer: (visitor: string, res: Parameters<RequestListener>[1]) => void) {
  const server = createServer((req, res) => answer(String(req.headers['x-user-id']), res));
  const sockets = { open: 0, ever: 0 };
  server.on('connection', (socket) => {
    sockets.open += 1;
    sockets.ever += 1;
    socket.on('close', () => (sockets.open -= 1));
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const leave = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  const clock = manualClock();
  const crowd = startCrowd({ url: `http://127.0.0.1:${port}/fact/`, every, clock });
  t.teardown(async () => {
    crowd.stop();
    await leave();
  });
  const ended = async (questions: number) => {
    await until(() => crowd.asked() >= questions, `${questions} questions`);
  };
  const round = async () => {
    const before = crowd.asked();
    await clock.pass(every);
    await ended(before + 100);
  };
  return { crowd, clock, sockets, leave, comeBack: () => listen(port), round, ended };
}

await t.test('each visitor asks once in a round, evenly spread, over few connections', async (t) => {
  const asked: string[] = [];
  const { clock, sockets, ended } = await openCrowd(t, (visitor, res) => {
    asked.push(visitor);
    res.end();
  });
  for (const part of [1, 2, 3, 4, 5]) {
    await clock.pass(every / 5 - 1);
    await ended(20 * part);
    t.same(asked.toSorted(), everybody.slice(0, 20 * part).toSorted(), `${part} fifths of the time`);
    await clock.pass(part === 5 ? 0 : 1);
  }
  t.ok(sockets.ever <= 4, `${sockets.ever} connections`);
});

await t.test('who moves is noted, and which way; a failure moves nobody', async (t) => {
  const proxy = { onV1: [] as string[], broken: false };
  const { crowd, round, ended } = await openCrowd(t, (visitor, res) => {
    if (proxy.broken) return res.destroy();
    res.setHeader('X-Api-Version', proxy.onV1.includes(visitor) ? '1' : '0');
    res.end();
  });
  const moved = (way: 'forward' | 'back') =>
    crowd.visitors.filter((visitor) => visitor[way] > 0).map(({ id }) => id);
  await ended(4);
  await round();
  t.ok(crowd.visitors.every(({ version }) => version === '0'));
  t.same([moved('forward'), moved('back')], [[], []], 'to begin is not to move');

  proxy.onV1 = ['visitor-7', 'visitor-70'];
  await round();
  proxy.broken = true;
  await round();
  t.same([moved('forward'), moved('back')], [['visitor-7', 'visitor-70'], []]);
  t.equal(crowd.visitors[6]?.version, '1', 'and the last answer holds');

  proxy.broken = false;
  proxy.onV1 = ['visitor-70'];
  await round();
  t.same([moved('forward'), moved('back')], [['visitor-7', 'visitor-70'], ['visitor-7']]);
});

await t.test('a proxy that goes away is asked again, and found when it is back', async (t) => {
  const { crowd, leave, comeBack, round, ended } = await openCrowd(t, (_visitor, res) => {
    res.setHeader('X-Api-Version', '1');
    res.end();
  });
  await ended(4);
  await leave();
  await round();
  t.equal(crowd.visitors.filter(({ version }) => version !== undefined).length, 4);
  await comeBack();
  await round();
  t.ok(crowd.visitors.every(({ version }) => version === '1'));
});

await t.test('who waits asks no second question, and a stop ends all at once', async (t) => {
  const asked: string[] = [];
  const { crowd, clock, sockets, ended } = await openCrowd(t, (visitor) => asked.push(visitor));
  await clock.pass(3 * every);
  await until(() => asked.length === 100, 'a question of each');
  await clock.pass(3 * every);
  t.same(asked.toSorted(), everybody.toSorted());
  t.equal(crowd.asked(), 0);
  crowd.stop();
  await ended(100);
  await until(() => sockets.open === 0, 'no connection is left', 1000);
  await clock.pass(3 * every);
  t.equal(asked.length, 100, 'and nobody asks again');
  t.equal(sockets.ever, 100);
});
