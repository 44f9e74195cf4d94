import t from 'tap';
import { skipWithoutChromium } from '../support/chromium.ts';
import { openRaccoonPage } from '../support/raccoon-page.ts';

const options = { skip: skipWithoutChromium() };

await t.test('no second sees more than forty questions', options, async (t) => {
  const { proxy, load } = await openRaccoonPage(t);
  await load();
  const { asked } = proxy.state;
  t.ok(asked.length > 100, `${asked.length} questions`);
  const within = asked.map((from) => asked.filter((time) => time >= from && time < from + 1000).length);
  t.ok(Math.max(...within) <= 40, `${Math.max(...within)} in a second`);
});
