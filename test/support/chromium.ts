import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

const missing = 'no Chromium: install one, or name it in CHROMIUM_PATH';

/** The browser's executable: what `CHROMIUM_PATH` names, else the first of the usual places that exists. */
export function findChromium(): string | undefined {
  const named = process.env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  return places.find((place) => existsSync(place));
}

/** For tap's `skip`: a reason where there is no browser. Never on CI, where a missing browser must be a failure. */
export function skipWithoutChromium(): string | false {
  return findChromium() === undefined && process.env['CI'] !== 'true' ? missing : false;
}

/**
 * A headless browser that speaks to nobody but the pages it is shown. Every name that ends in `.example` is this machine to
 * it. The caller closes it.
 */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(missing);
  const asRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath,
    args: [
      ...(asRoot ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--host-resolver-rules=MAP *.example 127.0.0.1',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
