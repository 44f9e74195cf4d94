import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { until } from '../support/client.ts';
import { openDashboard, rowsOf } from '../support/dashboard.ts';
import { startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';

const options = { skip: skipWithoutChromium() };

await t.test('a rollout is seen to move through its stages', options, async (t) => {
  const { proxy } = await startGuarded(t, {
    stage: '3s',
    more: 'start: manual',
    guard: 'onRegression: off',
  });
  steadyClient(t, [proxy.port], { rate: 50 });
  const { page, complaints } = await openDashboard(t, proxy.adminPort);
  const headline = page.locator('#headline');
  const stages = page.locator('.stages li');
  t.equal(await headline.textContent(), 'Not started: everyone gets v0');
  t.same(await page.locator('.verbs button').allInnerTexts(), ['Start']);

  await page.getByRole('button', { name: 'Start' }).click();
  await headline.getByText('25 % of users get v1').waitFor();
  t.match(await page.locator('.more').first().innerText(), /^Stage 1 of 2, [123] s left\.$/);
  t.equal(await stages.nth(0).getAttribute('aria-current'), 'step');
  t.same(
    (await stages.allInnerTexts()).map((text) => text.split('\n')),
    [
      ['25 %', '3 s', 'now'],
      ['50 %', '3 s', 'next'],
      ['100 %', 'then on', 'next'],
    ],
  );

  await headline.getByText('50 % of users get v1').waitFor();
  t.match(await stages.nth(0).innerText(), /done$/);
  t.equal(await stages.nth(1).getAttribute('aria-current'), 'step');
  t.match(await page.title(), /^50 % · facts · trenchcoat$/);

  await headline.getByText('Completed: everyone gets v1').waitFor();
  t.match(await stages.nth(2).innerText(), /now$/);
  const verbs = page.locator('.changes tbody tr strong');
  t.same(await verbs.allInnerTexts(), ['complete', 'advance', 'start', 'create'], 'the newest first');
  t.match(await page.locator('.changes tbody tr').nth(2).innerText(), /person[^]*not started → in progress/);

  await page.locator('.chart', { hasText: 'Share' }).locator('summary').click();
  await page.locator('.chart', { hasText: 'Requests a second' }).locator('summary').click();
  const shares = new Set((await rowsOf(page, 'Share')).map(([, , scheduled]) => scheduled));
  for (const share of ['0 %', '25 %', '50 %', '100 %']) t.ok(shares.has(share), `${share} was scheduled`);
  const latest = () => rowsOf(page, 'Requests a second').then(([row = []]) => row);
  await until(async () => (await latest())[1] === '0 / s', 'no request on v0');
  t.match((await latest())[2], /^[1-9]\d* \/ s$/, 'all the traffic');
  t.same(complaints, []);
});
