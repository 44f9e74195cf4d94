import t from 'tap';
import { askAdmin } from '../support/admin-answer.ts';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openDashboard } from '../support/dashboard.ts';
import { startGuarded } from '../support/guarded.ts';

const options = { skip: skipWithoutChromium() };

await t.test('what is refused is said, and what is done is said', options, async (t) => {
  const { proxy, rollout } = await startGuarded(t, { stage: '1h', more: 'holdback: 5' });
  const { page, complaints } = await openDashboard(t, proxy.adminPort);
  const dialog = page.getByRole('dialog');
  const answer = page.locator('.steer .answer');

  await page.getByRole('button', { name: 'Promote…' }).click();
  t.match(await dialog.innerText(), /95 % of users get v1, in place of 25 % now.*5 % are held back on v0/);
  await askAdmin(proxy.adminPort, 'POST', '/api/rollouts/facts/rollback');
  await page.locator('#headline', { hasText: 'Rolled back' }).waitFor();
  await dialog.getByRole('button', { name: 'Promote' }).click();
  await answer.getByText('The rollout refuses this').waitFor();
  t.equal((await rollout()).status, 'reverted');

  await page.getByLabel('Why').fill('another try');
  await page.getByRole('button', { name: 'Start' }).click();
  await answer.getByText('Started.').waitFor();
  await page.locator('#headline', { hasText: '25 % of users get v1' }).waitFor();
  t.match((await rollout()).history.at(-1), { who: 'person', verb: 'start', why: 'another try' });

  await page.getByRole('button', { name: 'Promote…' }).click();
  await dialog.getByRole('button', { name: 'Promote' }).click();
  await page.locator('#headline', { hasText: 'Completed: 95 % of users get v1' }).waitFor();
  t.match(await page.locator('.rollout').innerText(), '5 % are held back on v0.');
  // The browser tells of each answer that is no success.
  t.same(complaints, ['Failed to load resource: the server responded with a status of 409 (Conflict)']);
});
