import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openDashboard } from '../support/dashboard.ts';
import { startGuarded } from '../support/guarded.ts';

const options = { skip: skipWithoutChromium() };

await t.test('the form explains what a request would get', options, async (t) => {
  const { proxy } = await startGuarded(t, { stage: '1h' });
  const { page, complaints } = await openDashboard(t, proxy.adminPort);
  const panel = page.getByRole('region', { name: 'Explain a request' });
  const explain = panel.getByRole('button', { name: 'Explain' });
  const lines = panel.locator('.explained');
  const wrong = panel.getByRole('alert');

  await panel.getByLabel('Path').fill('/fact/');
  await panel.getByLabel('Cookies').fill('uid=7');
  await panel.getByLabel('Headers').fill('Accept: application/json\nX-Plan: gold');
  await explain.click();
  await lines.waitFor();
  const text = await lines.innerText();
  t.match(text, /route\s+facts asks facts/);
  t.match(text, /version\s+v[01]/);
  t.match(text, /FALLTHROUGH/);
  t.match(text, /upstream\s+v[01]/);
  t.match(text, /who\s+a user/);
  t.match(text, /at [\d.]+ % of the line; gets v1 when the rollout reaches [\d.]+ %/);
  t.match(text, /v0 0 % to 75 %\s+v1 75 % to 100 %/);

  await panel.getByLabel('Cookies').fill('');
  await explain.click();
  await lines.getByText('nobody known: a user with a key made up for this answer').waitFor();

  await panel.getByLabel('Headers').fill('no header at all');
  await explain.click();
  await wrong.getByText('“no header at all” is no header: write Name: value.').waitFor();
  t.equal(await lines.count(), 0);
  t.same(complaints, []);

  await panel.getByLabel('Headers').fill('');
  await panel.getByLabel('Path').fill('no path');
  await explain.click();
  await wrong.getByText('A path begins with / and has no blanks.').waitFor();
});
