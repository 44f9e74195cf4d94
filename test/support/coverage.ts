import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Loaded before a test file: counts what the process runs of `src`, and leaves it for c8 as the process ends. Node would
 * do it by itself (`NODE_V8_COVERAGE`), but writes down every package too, hundreds of megabytes for c8 to read and drop.
 */
const counted = pathToFileURL(join(import.meta.dirname, '../../src/')).href;
const folder = resolve('.tap/coverage');
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

process.once('exit', () => {
  session.post('Profiler.takePreciseCoverage', (error, coverage) => {
    if (error) throw error;
    const result = coverage.result.filter(({ url }) => url.startsWith(counted));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify({ result }));
  });
});
