import t from 'tap';
import { createWindow } from '../../src/guard/window.ts';
import { saw } from './worlds.ts';

const latency = undefined;
const aWindow = () => createWindow({ unit: 'context', latency, seed: 1 });
const [onControl, onTreatment] = [false, true];

await t.test('a user is at risk in each second until the first failure of an epoch', async (t) => {
  const window = aWindow();
  const second = (...failed: boolean[]) => {
    for (const one of failed) saw(window, 'u', onTreatment, one, undefined);
    return window.close().errors;
  };
  t.strictSame(second(false, false, false), { n0: 0, n1: 1, m: 0, x: 0 }, 'however often they come');
  t.strictSame(second(false, true, true), { n0: 0, n1: 1, m: 1, x: 1 }, 'and fails once');
  t.strictSame(second(true, true, false), { n0: 0, n1: 0, m: 0, x: 0 }, 'and is at risk no more');
  window.newEpoch();
  t.strictSame(second(true, true), { n0: 0, n1: 1, m: 1, x: 1 }, 'until the next epoch');
});

await t.test('a failure counts on the version it came from, and each side by itself', async (t) => {
  const window = aWindow();
  for (let user = 0; user < 30; user += 1) saw(window, `c${user}`, onControl, user < 3, undefined);
  for (let user = 0; user < 10; user += 1) saw(window, `t${user}`, onTreatment, user < 4, undefined);
  const tick = window.close();
  t.strictSame(tick.errors, { n0: 30, n1: 10, m: 7, x: 4 });
  t.strictSame(tick.units, { control: 30, treatment: 10 });
  t.strictSame(tick.arrivals, { all: 40, treatment: 10 });
});

await t.test('a user who moves brings nothing along', async (t) => {
  const window = aWindow();
  for (const key of ['failed', 'fine']) saw(window, key, onControl, key === 'failed', undefined);
  window.close();
  for (const key of ['failed', 'fine']) saw(window, key, onTreatment, true, undefined);
  const tick = window.close();
  t.strictSame(tick.errors, { n0: 0, n1: 1, m: 1, x: 1 }, 'whoever failed before is not at risk again');
  t.strictSame(tick.units, { control: 0, treatment: 2 }, 'both are new to the version');
  t.strictSame(tick.arrivals, { all: 0, treatment: 0 }, 'and to the epoch neither');
});

await t.test('whoever is on both versions within a second was exposed to both', async (t) => {
  const window = aWindow();
  saw(window, 'u', onControl, false, undefined);
  saw(window, 'u', onTreatment, true, undefined);
  t.strictSame(window.close().errors, { n0: 1, n1: 1, m: 1, x: 1 });
});

await t.test('users are new once an epoch, not once a second', async (t) => {
  const window = aWindow();
  const second = () => {
    for (let user = 0; user < 100; user += 1) saw(window, `u${user}`, user < 50, false, undefined);
    return window.close();
  };
  t.match(second(), { units: { control: 50, treatment: 50 }, arrivals: { all: 100, treatment: 50 } });
  t.match(second(), { units: { control: 0, treatment: 0 }, arrivals: { all: 0, treatment: 0 } });
  window.newEpoch();
  t.match(second(), { units: { control: 50, treatment: 50 }, arrivals: { all: 100, treatment: 50 } });
});

await t.test('with requests as the unit, each is somebody new', async (t) => {
  const window = createWindow({ unit: 'request', latency, seed: 1 });
  for (let request = 0; request < 10; request += 1) saw(window, 'u', onTreatment, request < 4, undefined);
  const tick = window.close();
  t.strictSame(tick.errors, { n0: 0, n1: 10, m: 4, x: 4 });
  t.strictSame(tick.units, { control: 0, treatment: 10 });
});

await t.test('who was the first to fail is told, for the record', async (t) => {
  const window = aWindow();
  t.equal(saw(window, 'u', onTreatment, false, undefined), undefined);
  t.equal(saw(window, 'u', onTreatment, true, undefined), 'failure');
  t.equal(saw(window, 'u', onTreatment, true, undefined), undefined);
});
