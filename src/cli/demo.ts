import { startApp } from '../app.ts';
import { loadConfig } from '../config/load.ts';
import { startRaccoonApis } from '../demo/apis.ts';
import { createLog } from '../telemetry/log.ts';
import { packageFile } from '../package.ts';
import { untilStopped } from './run.ts';

/** The story in one process: both raccoon APIs, the page, and the proxy with a flag at 50 %. */
export async function demo(options: { port: number }): Promise<number> {
  const apis = startRaccoonApis({ host: '127.0.0.1', port: 0 });
  try {
    return await untilStopped(async (started) => {
      const { config } = await loadConfig(packageFile('config/demo.yaml'), {
        DEMO_PORT: String(options.port),
        DEMO_ADMIN: '127.0.0.1:0',
        DEMO_UPSTREAM: (await apis).url,
      });
      const log = (started.log = createLog(config.log));
      const app = (started.app = await startApp(config, log));
      const base = `http://localhost:${app.listen.port}`;
      process.stdout.write(welcome(base, `http://127.0.0.1:${app.admin?.port}`));
    });
  } finally {
    await (await apis).close();
  }
}

const welcome = (base: string, admin: string) => `
🦝 trenchcoat: two raccoon APIs in one coat

Open   ${base}/

Try    curl -i ${base}/fact/ -H 'X-User-Id: 1'
       curl -i ${base}/fact/ --cookie uid=7
       npx trenchcoat explain -c ${packageFile('config/demo.yaml')} --path /fact/ --cookie uid=7
       curl ${admin}/readyz

Edit   ${packageFile('config/demo-flags.yaml')}
       and watch the visitors move.

Stop   Ctrl+C
`;
