import { startApp, type App } from '../app.ts';
import { loadConfig } from '../config/load.ts';
import { createLog, type Log } from '../telemetry/log.ts';

/** Runs the proxy until a signal stops it. Resolves with the exit code. */
export async function run(options: { config?: string }): Promise<number> {
  const { config, file } = await loadConfig(options.config);
  const log = createLog(config.log);
  try {
    const app = await startApp(config, log);
    log.info({ config: file, listen: app.listen, admin: app.admin }, 'ready');
    return await untilStopped(app, log);
  } finally {
    await log.close();
  }
}

/**
 * SIGTERM and SIGINT drain and end with 0; a second one gives up waiting, with 1. After an exception that nobody
 * caught the state is unknown: drain and end with 2.
 */
export function untilStopped(app: App, log: Log): Promise<number> {
  return new Promise((resolve) => {
    let stopping = false;
    const stop = (code: number, why: Record<string, unknown>) => {
      if (stopping) {
        log.warn(why, 'stopped without waiting');
        return resolve(code === 0 ? 1 : code);
      }
      stopping = true;
      log.info(why, 'stopping');
      app.stop().then(
        () => resolve(code),
        (error: unknown) => {
          log.error({ err: error }, 'the stop failed');
          resolve(2);
        },
      );
    };
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop(0, { signal }));
    process.on('uncaughtException', (error) => {
      log.fatal({ err: error }, 'a fault of ours; draining');
      stop(2, { signal: 'uncaughtException' });
    });
  });
}
