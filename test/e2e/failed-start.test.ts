import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { createLog } from '../../src/telemetry/log.ts';
import { manualClock, second, type ManualClock } from '../support/clock.ts';
import { flagged } from '../support/proxy.ts';

/** A clock that knows how many tasks wait. */
function countedClock(): ManualClock & { waiting(): number } {
  const clock = manualClock();
  let waiting = 0;
  return {
    ...clock,
    waiting: () => waiting,
    after(milliseconds, task) {
      waiting += 1;
      let over = false;
      const done = () => {
        if (!over) waiting -= 1;
        over = true;
      };
      const cancel = clock.after(milliseconds, () => {
        done();
        task();
      });
      return () => {
        done();
        cancel();
      };
    },
  };
}

async function takenPort(t: Test): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

await t.test('a start that fails leaves nothing behind, wherever it fails', async (t) => {
  const log = await createLog({ level: 'silent', format: 'json', access: false });
  t.teardown(() => log.close());
  const port = await takenPort(t);
  const cases = {
    'the admin port is taken': `listen: 127.0.0.1:0\nadmin: 127.0.0.1:${port}\n`,
    'the port is taken': `listen: 127.0.0.1:${port}\nadmin: 127.0.0.1:0\n`,
  };
  for (const [name, ports] of Object.entries(cases)) {
    const folder = t.testdir({});
    const file = join(folder, 'trenchcoat.yaml');
    writeFileSync(join(folder, 'flags.yaml'), 'flags: {}\n');
    writeFileSync(file, `${ports}${flagged('http://127.0.0.1:1', 'http://127.0.0.1:1')}`);
    const clock = countedClock();
    await t.rejects(startApp((await loadConfig(file)).config, log, clock), /the port is taken/, name);
    t.equal(clock.waiting(), 0, name);
  }
});

await t.test('without an admin port nothing is put together for one', async (t) => {
  const log = await createLog({ level: 'silent', format: 'json', access: false });
  t.teardown(() => log.close());
  const folder = t.testdir({ 'flags.yaml': 'flags: {}\n' });
  const file = join(folder, 'trenchcoat.yaml');
  const guardOff = flagged('http://127.0.0.1:1', 'http://127.0.0.1:1').replace(
    'default: 0 }',
    'default: 0, guard: { onRegression: off } }',
  );
  writeFileSync(file, `listen: 127.0.0.1:0\nadmin: off\n${guardOff}`);
  const clock = countedClock();
  const app = await startApp((await loadConfig(file)).config, log, clock);
  t.equal(clock.waiting(), 0);
  await clock.pass(3 * second);
  await app.stop();
});
