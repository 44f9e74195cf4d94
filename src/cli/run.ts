import cluster from 'node:cluster';
import { alone, startApp, type App } from '../app.ts';
import { systemClock } from '../clock.ts';
import { configName } from '../config/load.ts';
import { loadToServe } from '../config/pem-check.ts';
import { secretsOf } from '../config/secrets.ts';
import { fingerprint } from '../config/watch.ts';
import { endStart } from '../lean-start.ts';
import { createLog, type Log } from '../telemetry/log.ts';
import { leading, workersOf } from '../workers/lead.ts';
import { runWorker } from '../workers/worker.ts';

/** Runs the proxy until a signal stops it. Resolves with the exit code. */
export function run(options: { config?: string }): Promise<number> {
  // A worker is the same program, begun by the one that leads.
  if (cluster.isWorker) return runWorker();
  return untilStopped(async (started) => {
    const named = configName(options.config);
    const known = await fingerprint(named);
    const loaded = await loadToServe(named);
    const { config, file, colours } = loaded;
    const log = (started.log = await createLog(config.log, { secrets: secretsOf(config), colours }));
    const source = { file, known, read: () => loadToServe(file) };
    const seat = workersOf(loaded) > 1 ? leading(loaded, log) : alone();
    const app = (started.app = await startApp(config, log, systemClock, source, seat));
    log.info({ config: file, listen: app.listen, admin: app.admin }, 'ready');
    // Whoever started it waits for this.
    log.flush();
    endStart();
  });
}

/** What a start has made so far. */
export type Started = { log?: Log; app?: App };

/**
 * Starts, and waits for the end. SIGTERM and SIGINT drain and end with 0; a second one gives up waiting, with 1. During
 * the start there is nothing to drain: a signal ends it with 0 at once, and what is half made goes with the process. SIGHUP has
 * the configuration read again.
 * After an exception that nobody caught the state is unknown: drain and end with 2.
 */
export async function untilStopped(start: (started: Started) => Promise<void>): Promise<number> {
  const started: Started = {};
  const ended = new Promise<number>((resolve, reject) => {
    let stopping = false;
    const stop = (code: number, why: Record<string, unknown>) => {
      const { app, log } = started;
      if (stopping) {
        log?.warn(why, 'stopped without waiting');
        return resolve(code === 0 ? 1 : code);
      }
      stopping = true;
      log?.info(why, 'stopping');
      if (app === undefined) return resolve(code);
      app.stop().then(
        () => resolve(code),
        (error: unknown) => {
          log?.error({ err: error }, 'the stop failed');
          resolve(2);
        },
      );
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(0, { signal }));
    // During the start, the file is about to be read or has just been.
    process.on('SIGHUP', () => void started.app?.reload('signal'));
    process.on('uncaughtException', (error) => {
      if (started.app === undefined) return reject(error);
      started.log?.fatal({ err: error }, 'a fault of ours; draining');
      stop(2, { signal: 'uncaughtException' });
    });
    start(started).catch(reject);
  });
  try {
    return await ended;
  } finally {
    await started.log?.close();
  }
}
