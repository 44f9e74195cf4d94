import t, { type Test } from 'tap';
import type { Browser, BrowserContext } from 'playwright-core';
import type { RolloutView } from '../../src/rollout/view.ts';
import { askAdmin } from '../support/admin-answer.ts';
import { launchChromium, skipWithoutChromium } from '../support/chromium.ts';
import { until } from '../support/client.ts';
import { frameIn, readEverything, sendEverything, startOtherSite } from '../support/other-site.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';

const nowhere = 'http://127.0.0.1:9';
const token = 's3cret';

/** A proxy with a rollout under way, whose admin port a name leads to, too; and a site that means it harm. */
async function startVictim(t: Pick<Test, 'teardown'>, browser: Browser, withToken: boolean) {
  const admin = `admin: { address: "127.0.0.1:0", hosts: [den.example]${withToken ? `, token: ${token}` : ''} }`;
  const { adminPort } = await startProxy(t, `${rolledOut(nowhere, nowhere, { stage: '1h' })}${admin}\n`);
  const headers = withToken ? { authorization: `Bearer ${token}` } : {};
  const rollout = async () =>
    (await askAdmin(adminPort, 'GET', '/api/rollouts/facts', undefined, headers))
      .json as unknown as RolloutView;
  await askAdmin(adminPort, 'POST', '/api/rollouts/facts/start', undefined, headers);
  const otherPort = await startOtherSite(t);
  const context = await browser.newContext(
    withToken ? { httpCredentials: { username: 'me', password: token } } : {},
  );
  t.teardown(() => context.close());
  const answers = answersOf(context, adminPort);
  const page = await context.newPage();
  const origins = ['127.0.0.1', 'localhost', 'den.example'].map((host) => `http://${host}:${adminPort}`);
  // Somebody works with the dashboard in this browser, so that it knows the token for each origin.
  for (const origin of origins) {
    await page.goto(`${origin}/`);
    await page.locator('[data-live="live"]').waitFor({ timeout: 20_000 });
  }
  // Another port of this machine is the same site to a browser, and another origin.
  const sites = ['localhost', 'evil.example'].map((host) => `http://${host}:${otherPort}/`);
  return { adminPort, context, page, rollout, answers, origins, sites };
}

/** Statuses of what the browser was answered by the admin port since it was last asked. */
function answersOf(context: BrowserContext, port: number) {
  let statuses: number[] = [];
  context.on('response', (response) => {
    if (new URL(response.url()).port === String(port)) statuses.push(response.status());
  });
  return () => {
    const seen = statuses;
    statuses = [];
    return seen;
  };
}

const still = (rollout: RolloutView) => ({ ...rollout, elapsedMs: 0, leftMs: 0 });

const nothing = (t: Test, found: Record<string, string>, where: string) => {
  for (const [attack, loot] of Object.entries(found)) t.equal(loot, 'nothing', `${where}: ${attack}`);
};

const browser = await (skipWithoutChromium() === false ? launchChromium() : undefined);
t.teardown(() => browser?.close());

for (const withToken of [false, true]) {
  const signedIn = withToken ? 'signed in with a token' : 'without a token';
  await t.test(`another site, in a browser ${signedIn}`, { skip: skipWithoutChromium() }, async (t) => {
    if (browser === undefined) throw new Error('skipped');
    const { adminPort, context, page, rollout, answers, origins, sites } = await startVictim(
      t,
      browser,
      withToken,
    );
    const before = await rollout();
    t.equal(before.status, 'in_progress');

    // Cross-site request forgery: a browser sends what any page tells it to, with the credentials that it keeps for where
    // it goes. A rollback needs no answer to be read.
    await t.test('sends a rollback in every way there is, and it is not done', async (t) => {
      // The dashboard has asked for something until now.
      await page.goto(sites[0] ?? '');
      answers();
      for (const site of sites)
        for (const origin of origins) {
          await page.goto(site);
          nothing(
            t,
            await sendEverything(page, `${origin}/api/rollouts/facts/rollback`),
            `${site} to ${origin}`,
          );
        }
      const statuses = answers();
      t.ok(statuses.length > 20, `${statuses.length} answers that the browser speaks of`);
      t.ok(
        statuses.every((status) => status === 403 || status === 405),
        String([...new Set(statuses)]),
      );
      t.strictSame(still(await rollout()), still(before), 'nothing has changed');
    });

    // What a page may not read of another site it may still embed, and learn from whether that works.
    await t.test('embeds and asks for all that is served, and learns nothing', async (t) => {
      for (const site of sites)
        for (const origin of origins) {
          await page.goto(site);
          nothing(t, await readEverything(page, origin), `${site} of ${origin}`);
        }
    });

    // Clickjacking: the dashboard, invisible, above a button that one wants to press.
    await t.test('frames the dashboard, and the frame stays empty', async (t) => {
      for (const site of sites)
        for (const origin of origins) {
          await page.goto(site);
          await frameIn(page, `${origin}/`);
          const framed = () => page.frames()[1]?.url();
          await until(
            () => framed()?.startsWith('chrome-error:'),
            `an error, where ${site} frames ${origin}`,
          );
          t.equal(page.frames().length, 2);
        }
    });

    // A window that one page opened is in its hands: it may send messages to it, count its frames, move it on.
    await t.test('opens the dashboard in a window, and has no hold of it', async (t) => {
      for (const site of sites)
        for (const origin of origins) {
          await page.goto(site);
          const opening = context.waitForEvent('page');
          await page.evaluate(`opened = window.open('${origin}/'); true`);
          const opened = await opening;
          await opened.locator('[data-live="live"]').waitFor({ timeout: 20_000 });
          // Without TLS a browser separates windows on loopback alone.
          const isSeparated = !origin.includes('den.example');
          if (isSeparated) await page.waitForFunction('opened.closed', undefined, { timeout: 20_000 });
          const read: string = await page.evaluate(`(() => {
            opened.postMessage({ verb: 'rollback' }, '*');
            try {
              return opened.document.body.innerText;
            } catch {
              return 'nothing';
            }
          })()`);
          t.equal(read, 'nothing', `${site} opens ${origin}`);
          if (isSeparated) t.equal(await opened.evaluate('window.opener === null'), true);
          await opened.close();
        }
      t.match(await rollout(), { status: 'in_progress', revision: before.revision });
    });

    // DNS rebinding: a page has its own name lead to this machine once it is loaded. To the browser all of the admin port is
    // the page's own then: it may read and send everything, and nothing but the Host tells.
    await t.test('has its own name lead here, and is told by it', async (t) => {
      const mine = `http://rebound.example:${adminPort}`;
      // The page itself came from elsewhere, so that no policy of ours holds for it.
      const elsewhere = await browser.newContext({ bypassCSP: true });
      t.teardown(() => elsewhere.close());
      const bait = await elsewhere.newPage();
      t.equal((await bait.goto(`${mine}/`))?.status(), 421);
      const told = await bait.evaluate(async () => {
        const requests = ['/', '/api/rollouts', '/metrics', '/api/live', '/livez', '/dashboard/main.js'];
        const answers = requests.map(async (path) => {
          const response = await fetch(path);
          return `${response.status} ${await response.text()}`;
        });
        const post = await fetch('/api/rollouts/facts/rollback', { method: 'POST' });
        return [...(await Promise.all(answers)), `${post.status} ${await post.text()}`];
      });
      for (const answer of told)
        t.equal(answer, '421 {"type":"about:blank","title":"This Host is not served here","status":421}\n');
      t.match(await rollout(), { status: 'in_progress', revision: before.revision });
    });

    // All of the above would hold as well for a port at which nothing works.
    await t.test('the dashboard itself may do all this', async (t) => {
      for (const [i, origin] of origins.entries()) {
        await page.goto(`${origin}/`);
        const verb = i % 2 === 0 ? 'pause' : 'resume';
        const status = await page.evaluate(
          async (path) => (await fetch(path, { method: 'POST', body: '{"why":"a person"}' })).status,
          `/api/rollouts/facts/${verb}`,
        );
        t.equal(status, 200, `${verb} at ${origin}`);
      }
      t.match(await rollout(), { status: 'paused', revision: (before.revision ?? 0) + 3 });
    });
  });
}
