import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openDashboard } from '../support/dashboard.ts';
import { failing, startGuarded } from '../support/guarded.ts';
import { steadyClient } from '../support/steady-client.ts';

const options = { skip: skipWithoutChromium() };

await t.test('what the guard finds appears with its evidence, and can be cleared', options, async (t) => {
  const { proxy, guard, rollout } = await startGuarded(t, { v1: failing(0.5), stage: '1h' });
  const { page, complaints } = await openDashboard(t, proxy.adminPort);
  const panel = page.getByRole('region', { name: 'Guard of facts' });
  await panel.getByText('v1 is compared with v0, by users.').waitFor();
  t.match(await panel.innerText(), 'If v1 is worse, everybody is taken back to v0.');
  const meter = panel.getByRole('meter', { name: 'Evidence: Errors' });
  t.equal(await meter.getAttribute('aria-valuetext'), 'none; it takes 1 : 330');

  const client = steadyClient(t, [proxy.port], { rate: 50 });
  const alert = panel.getByRole('alert');
  await alert.waitFor();
  await client.stop();
  const { trip } = await guard();
  if (trip === undefined) throw new Error('nothing was found');
  t.match(await alert.innerText(), trip.words);
  t.match(await alert.innerText(), /by errors: everybody was taken back to v0\./);
  t.equal(await alert.locator('time').getAttribute('datetime'), trip.at);
  await alert.locator('summary').click();
  t.same(await alert.locator('code').allInnerTexts(), trip.requestIds);
  t.equal(await page.locator('#headline').innerText(), 'Rolled back: everyone gets v0');
  t.match(await page.locator('.rollout .more').innerText(), trip.words);
  t.match(await page.locator('.changes tbody tr').first().innerText(), /guard[^]*rollback/);
  t.match(await meter.getAttribute('aria-valuetext'), /^(over )?1 : [\d,]+; it takes 1 : 330$/);
  t.match(await panel.innerText(), /Found worse: everybody gets v0 until this is cleared\.[^]*has acted/);
  t.notMatch(await panel.innerText(), 'is compared');
  t.equal(await meter.getAttribute('aria-valuenow'), '100');

  await panel.getByLabel('Why it may be forgotten').fill('the timeout was the database’s');
  await panel.getByRole('button', { name: 'Clear, and compare anew' }).click();
  await alert.waitFor({ state: 'detached' });
  await panel.getByRole('status').getByText('Cleared: compared anew.').waitFor();
  t.match(await page.evaluate('document.activeElement.textContent'), /^Guard of facts/);
  t.equal((await guard()).trip, undefined);
  t.match((await rollout()).history.at(-1), { verb: 'clear', why: 'the timeout was the database’s' });
  await page.locator('.more', { hasText: /^By the guard/ }).waitFor();
  t.same(complaints, []);
});
