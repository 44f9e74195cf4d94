import type { Test } from 'tap';
import { until } from './client.ts';
import { start, type Command } from './command.ts';

/** Starts `trenchcoat demo …` on ports of the system's choice, and waits for its welcome. */
export async function startDemo(
  t: Pick<Test, 'teardown'>,
  ...args: readonly string[]
): Promise<Command & { port: number; adminPort: number }> {
  const demo = start(t, ['demo', ...args, '--port', '0']);
  const said = await until(
    () => /Open +http:\S+:(\d+)\/[^]*--admin http:\/\/127\.0\.0\.1:(\d+)\n/.exec(demo.output.stdout),
    'the welcome',
    15_000,
  );
  return { ...demo, port: Number(said[1]), adminPort: Number(said[2]) };
}
