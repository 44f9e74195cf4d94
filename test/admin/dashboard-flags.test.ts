import t from 'tap';
import { askAdmin } from '../support/admin-answer.ts';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openDashboard } from '../support/dashboard.ts';
import { minimal } from '../support/config.ts';
import { startProxy } from '../support/proxy.ts';

const options = { skip: skipWithoutChromium() };

const several = `
context: { user: { key: [{ cookie: uid }] } }
flags: { source: local, file: flags.yaml }
upstreams: { v0: { url: http://127.0.0.1:8000 }, v1: { url: http://127.0.0.1:8001 } }
routes:
  - { name: facts, match: { path: /fact/ }, flag: facts, versions: { 0: v0, 1: v1 }, default: 0 }
  - { name: cart, match: { path: /cart/ }, flag: "carts & co", versions: { old: v0, new: v1 }, default: old }
  - { name: even, match: { path: /even/ }, flag: even, versions: { 0: v0, 1: v1 }, default: 0 }
  - { name: still, match: { path: /still/ }, flag: still, versions: { 0: v0, 1: v1 }, default: 0 }
  - { name: fixed, match: { path: /fixed/ }, flag: fixed, versions: { 0: v0, 1: v1 }, default: 0 }
  - { name: three, match: { path: /three/ }, flag: three, versions: { 0: v0, 1: v1, 2: v1 }, default: 0, guard: { onRegression: off } }
rollouts:
  facts: { from: 0, to: 1, stages: [{ percent: 25, for: 1h }] }
  carts & co: { from: old, to: new, stages: [{ percent: 10, for: 1h }] }
state: memory
`;
const file = `
flags:
  even:
    on: true
    variations: [0, 1]
    fallthrough: { rollout: { variations: [{ variation: 0, weight: 60000 }, { variation: 1, weight: 40000 }] } }
    offVariation: 0
    salt: even
  three:
    on: true
    variations: [0, 1, 2]
    fallthrough:
      rollout:
        variations: [{ variation: 0, weight: 50000 }, { variation: 1, weight: 30000 }, { variation: 2, weight: 20000 }]
    offVariation: 0
    salt: three
  still: { on: false, variations: [0, 1], offVariation: 1, fallthrough: { variation: 0 }, salt: still }
  fixed: { on: true, variations: [0, 1], offVariation: 0, fallthrough: { variation: 1 }, salt: fixed }
`;

await t.test('several flags are chosen from, linked to, and seen at a glance', options, async (t) => {
  const proxy = await startProxy(t, several, { 'flags.yaml': file });
  const hash = `#flag=${encodeURIComponent('carts & co')}`;
  const { page, complaints } = await openDashboard(t, proxy.adminPort, { hash });
  const headline = page.locator('#headline');
  const flags = page.getByRole('navigation', { name: 'Flags' });
  t.equal(await headline.innerText(), '10 % of users get new');
  t.equal(await flags.locator('[aria-current="page"] .flag-name').innerText(), 'carts & co');

  await askAdmin(proxy.adminPort, 'POST', '/api/rollouts/facts/pause');
  await flags.getByText('paused at 25 %').waitFor();
  await flags.getByRole('link', { name: 'facts' }).click();
  await headline.getByText('Paused: 25 % of users get v1').waitFor();
  t.equal(new URL(page.url()).hash, '#flag=facts');
  await page.reload();
  await headline.getByText('Paused: 25 % of users get v1').waitFor();
  await page.goBack();
  await headline.getByText('10 % of users get new').waitFor();

  await flags.getByRole('link', { name: 'even' }).click();
  await headline.getByText('40 % of users get v1').waitFor();
  t.match(await page.locator('.rollout').innerText(), 'The flag file sets the percentage');
  t.equal(await page.locator('.verbs button').count(), 0, 'nothing to steer');

  for (const [flag, title] of [
    ['still', 'The flag is off: everyone gets v1'],
    ['fixed', 'Everyone gets v1, but for targets and rules'],
    ['three', '50 % of users get v1 or v2'],
  ] as const) {
    await flags.getByRole('link', { name: flag }).click();
    await headline.getByText(title, { exact: true }).waitFor();
  }
  t.match(await page.locator('.shares').innerText(), 'scheduled for all but v0');
  t.match(await page.locator('.side').innerText(), 'Guard of three: off. Nothing is compared');

  await page.evaluate(`location.hash = '#flag=%3Cnobody%3E'`);
  await page.getByText('No route asks the flag <nobody>').waitFor();
  t.same(complaints, []);
});

await t.test('where no route asks a flag, that is said, and how one would', options, async (t) => {
  const proxy = await startProxy(t, minimal);
  const { page, complaints } = await openDashboard(t, proxy.adminPort);
  await page.getByRole('heading', { name: 'No route asks a flag' }).waitFor();
  t.match(await page.locator('pre').innerText(), 'flag: raccoon_facts_api');
  await page.getByRole('region', { name: 'Health' }).getByText('http://127.0.0.1:8000').waitFor();
  t.same(complaints, []);
});
