import type { Page } from 'playwright-core';
import type { Test } from 'tap';
import { startUpstream } from './upstream.ts';

/** What became of one attack: what a page found out, which should be nothing. */
export type Loot = Record<string, string>;

/**
 * The web server of somebody who means harm. It has an empty page under every path but `/redirect`, which sends a request on,
 * as it is, to the address in its query.
 */
export async function startOtherSite(t: Pick<Test, 'teardown'>): Promise<number> {
  const { port } = await startUpstream(t, (req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '', 'http://site');
    if (pathname === '/redirect')
      return void res.writeHead(307, { location: searchParams.get('to') ?? '' }).end();
    res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Win a raccoon</title>');
  });
  return port;
}

/** In a page: finds out what each attempt yields; one that fails yields nothing. */
const attempts = `
  const found = {};
  const tries = async (name, attempt) => (found[name] = await attempt().catch(() => 'nothing'));
  const loaded = (element, attributes = {}) =>
    new Promise((resolve) => {
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      element.addEventListener('load', () => resolve('loaded'));
      element.addEventListener('error', () => resolve('nothing'));
      document.body.append(element);
    });
  const frame = (attributes) => {
    const element = document.createElement('iframe');
    return loaded(element, attributes).then(() => element);
  };`;

/** Every way in which a page sends something without asking whether it may. Resolves when all of it was tried. */
export const sendEverything = (page: Page, url: string): Promise<Loot> =>
  page.evaluate(`(async () => {
    const url = ${JSON.stringify(url)};
    ${attempts}
    const body = '{"why":"because we can"}';
    const sends = (name, request) => tries(name, async () => {
      const answer = await fetch(url, { method: 'POST', credentials: 'include', ...request });
      return answer.type === 'opaque' ? 'nothing' : answer.status + await answer.text();
    });
    await sends('fetch', { body });
    await sends('fetch of JSON', { body, headers: { 'content-type': 'application/json' } });
    await sends('fetch without CORS', { body, mode: 'no-cors' });
    await sends('fetch without a body', { mode: 'no-cors' });
    await sends('fetch that outlives the page', { body, mode: 'no-cors', keepalive: true });
    await sends('fetch without a referrer', { body, mode: 'no-cors', referrerPolicy: 'no-referrer' });
    navigator.sendBeacon(url, body);
    navigator.sendBeacon(url, new URLSearchParams({ why: 'x' }));

    const submits = (name, action, attributes = {}, fields = true) => tries(name, async () => {
      const into = await frame({ name });
      const form = document.createElement('form');
      for (const [key, value] of Object.entries({ action, method: 'post', target: name, ...attributes }))
        form.setAttribute(key, value);
      // What a form sends as text/plain can be made JSON.
      const field = document.createElement('input');
      Object.assign(field, { name: '{"why":"', value: '"}' });
      if (fields) form.append(field);
      document.body.append(form);
      const done = new Promise((resolve) => into.addEventListener('load', resolve));
      form.submit();
      await done;
      return into.contentDocument?.body.innerText || 'nothing';
    });
    await submits('form', url);
    await submits('form of text', url, { enctype: 'text/plain' });
    await submits('empty form', url, {}, false);
    await submits('form without a referrer', url, { rel: 'noreferrer' });
    await submits('redirected form', '/redirect?to=' + encodeURIComponent(url));

    // Neither of these has an origin of its own.
    const sending = '<script>fetch("' + url + '", { method: "POST", mode: "no-cors" })</' + 'script>';
    const form = '<form method=post action="' + url + '"></form><script>document.forms[0].submit()</' + 'script>';
    await frame({ sandbox: 'allow-scripts', srcdoc: sending });
    await frame({ sandbox: 'allow-scripts allow-forms', srcdoc: form });
    await frame({ src: 'data:text/html,' + encodeURIComponent(sending) });
    return found;
  })()`);

/** Every way in which a page takes in what another site serves; what it got to know of it. */
export const readEverything = (page: Page, origin: string): Promise<Loot> =>
  page.evaluate(`(async () => {
    const at = ${JSON.stringify(origin)};
    ${attempts}
    for (const path of ['/', '/api/rollouts', '/metrics', '/readyz', '/api/history/facts', '/dashboard/main.js'])
      for (const mode of ['cors', 'no-cors'])
        await tries(mode + ' fetch of ' + path, async () => {
          const answer = await fetch(at + path, { mode, credentials: 'include' });
          return answer.type === 'opaque' ? 'nothing' : answer.text();
        });
    await tries('EventSource', () =>
      new Promise((resolve) => {
        const source = new EventSource(at + '/api/live', { withCredentials: true });
        source.addEventListener('snapshot', ({ data }) => resolve(data));
        source.addEventListener('open', () => resolve('opened'));
        source.addEventListener('error', () => resolve(source.readyState === 2 ? 'nothing' : 'tries again'));
      }),
    );
    // These are taken in unasked; that one loads is something to know, too.
    const embeds = (tag, attributes) =>
      tries(tag + ' ' + JSON.stringify(attributes), () => loaded(document.createElement(tag), attributes));
    for (const path of ['/dashboard/main.js', '/api/rollouts', '/metrics']) await embeds('script', { src: at + path });
    await embeds('script', { src: at + '/dashboard/main.js', type: 'module' });
    await embeds('img', { src: at + '/dashboard/raccoon.svg' });
    await embeds('link', { rel: 'stylesheet', href: at + '/dashboard/dashboard.css' });
    await embeds('object', { data: at + '/dashboard/raccoon.svg' });
    await tries('import', () => import(at + '/dashboard/main.js').then(() => 'imported'));
    return found;
  })()`);

/** Frames this address in a page; resolves when the frame has loaded whatever it shows. */
export const frameIn = (page: Page, src: string): Promise<void> =>
  page.evaluate(`(async () => { ${attempts} await frame({ src: ${JSON.stringify(src)} }); })()`);
