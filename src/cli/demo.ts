import { startApp, type App } from '../app.ts';
import { loadConfig } from '../config/load.ts';
import { secretsOf } from '../config/secrets.ts';
import { startRaccoonApis } from '../demo/apis.ts';
import { breakAtHalf } from '../demo/break-v1.ts';
import { startCrowd } from '../demo/crowd.ts';
import { tellStages } from '../demo/stages.ts';
import { packageFile } from '../package.ts';
import { systemClock } from '../clock.ts';
import { createLog } from '../telemetry/log.ts';
import { untilStopped } from './run.ts';

/**
 * How long each stage lasts, and the milliseconds in which each visitor asks once. A stage waits for a hundred requests on v1,
 * so the fast crowd has to hurry.
 */
const stories = { slow: { stage: '1m', every: 1000 }, fast: { stage: '5s', every: 250 } };

export type DemoOptions = { port: number; fast?: true; breakV1?: true };

/**
 * The story in one process: both raccoon APIs, the page, the proxy, a crowd, and a rollout from v0 to v1; with
 * `breakV1`, one that the guard takes back, since v1 begins to fail at half the visitors.
 */
export async function demo(options: DemoOptions): Promise<number> {
  const { stage, every } = options.fast ? stories.fast : stories.slow;
  const apis = startRaccoonApis({ host: '127.0.0.1', port: 0 });
  try {
    return await untilStopped(async (started) => {
      const { url: upstream, breakV1 } = await apis;
      const startWith = async (adminPort: number): Promise<App> => {
        const { config, colours } = await loadConfig(packageFile('config/demo.yaml'), {
          DEMO_PORT: String(options.port),
          DEMO_ADMIN: `127.0.0.1:${adminPort}`,
          DEMO_UPSTREAM: upstream,
          DEMO_STAGE: stage,
          // What the guard finds is told in the demo's own words.
          DEMO_LOG: 'fatal',
        });
        return startApp(
          config,
          (started.log ??= await createLog(config.log, { secrets: secretsOf(config), colours })),
        );
      };
      // The usual admin port may be somebody else's. What else is wrong will be so again.
      const app = await startWith(9901).catch(() => startWith(0));
      process.stdout.write(
        welcome(
          `http://localhost:${app.listen.port}`,
          `http://127.0.0.1:${app.admin?.port}`,
          options.breakV1 === true ? `${toV1}, until v1 fails and the guard takes everybody back` : toV1,
        ),
      );
      started.app = withCrowd(app, every, options.breakV1 === true ? breakV1 : undefined);
    });
  } finally {
    await (await apis).close();
  }
}

/** The crowd leaves first, so that nobody asks a proxy that is about to go. */
function withCrowd(app: App, every: number, breakV1: (() => void) | undefined): App {
  const clock = systemClock;
  const crowd = startCrowd({ url: `http://127.0.0.1:${app.listen.port}/fact/`, every, clock });
  const standing = () => app.rollouts()?.list()[0];
  const told = breakV1 && breakAtHalf(breakV1, tell);
  const fallSilent = tellStages({ crowd, standing, tell, told, clock });
  return {
    ...app,
    async stop() {
      fallSilent();
      crowd.stop();
      await app.stop();
    },
  };
}

const tell = (line: string) => void process.stdout.write(`${line}\n`);

const toV1 = 'A hundred visitors ask for facts, and a rollout takes them from v0 to v1';

const welcome = (base: string, admin: string, story: string) => `
🦝 trenchcoat: two raccoon APIs in one coat

Open    ${base}/
See     ${admin}/   how the rollout goes, and buttons to steer it

Ask     curl -i ${base}/fact/ -H 'X-User-Id: visitor-1'
        curl -i ${base}/fact/ --cookie uid=7

Watch   npx trenchcoat rollout watch --admin ${admin}
        npx trenchcoat guard status --admin ${admin}
Steer   npx trenchcoat rollout pause --admin ${admin}
        npx trenchcoat rollout resume --admin ${admin}
        npx trenchcoat rollout rollback --admin ${admin}

Stop    Ctrl+C

${story}:

`;
