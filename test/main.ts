import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

/**
 * Runs every test file as a process of its own, three at a time, and tells the outcome as TAP. tap's own command would
 * send each module of each process through a second thread as it is loaded, to know who loads what; that took a quarter
 * of the time of the suite. `env` keeps it away from the processes started here.
 */
const jobs = 3;
const seconds = 120;

const here = import.meta.dirname;
/** Nothing else is left to do beside these if they begin late. */
const isLong = (file: string) => /^image\/|false-alarms|no-difference/.test(file);
/** The first time, an image is built from nothing. */
const secondsOf = (file: string) => (file.startsWith('image/') ? 300 : seconds);
/** Simulations run what others have covered, again and again, and to count that takes a third of their time. */
const isUncounted = (file: string) => /guard\/(false-alarms|detection|base-rate)/.test(file);

const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .toSorted((a, b) => Number(isLong(b)) - Number(isLong(a)) || (a < b ? -1 : 1));
const plainly = ['-u', 'NODE_OPTIONS', `TAP_TIMEOUT=${seconds}`, process.execPath, '--enable-source-maps'];
const counted = `--import=${join(here, 'support/coverage.js')}`;

rmSync('.tap/coverage', { recursive: true, force: true });
t.setTimeout(0);
t.jobs = jobs;
t.plan(files.length);
for (const file of files)
  void t.spawn(
    'env',
    [...plainly, ...(isUncounted(file) ? [] : [counted]), join(here, file)],
    { buffered: true, timeout: secondsOf(file) * 1000 },
    `test/${file.replace(/js$/, 'ts')}`,
  );
