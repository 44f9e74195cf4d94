import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EnvironmentError, UserError } from '../config/errors.ts';
import { startLean } from '../lean-start.ts';
import { version } from '../package.ts';
import type { PersonVerb } from '../rollout/transitions.ts';
import type { DemoOptions } from './demo.ts';
import type { ExplainOptions } from './explain.ts';
import type { GuardOptions } from './guard.ts';
import type { PlanOptions } from './plan.ts';
import type { Probe, ProbeOptions } from './probe.ts';
import type { ReloadOptions } from './reload.ts';
import type { RolloutOptions } from './rollout.ts';

const configOption = [
  '-c, --config <file>',
  'configuration file (default: $TRENCHCOAT_CONFIG, then ./trenchcoat.yaml)',
] as const;

/** The commands. Each is one file, loaded when it is asked for, and gives its exit code to `done`. */
function createProgram(done: (code: number) => void): Command {
  const program = new Command('trenchcoat')
    .description('A reverse proxy that decides, for each request, which version of an API serves it.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(add --help for the options)');
  program.configureHelp({ showGlobalOptions: true });

  program
    .command('run')
    .description('run the proxy; the default when no command is named')
    .option(...configOption)
    .action(async (options: { config?: string }) => {
      startLean();
      done(await (await import('./run.ts')).run(options));
    });
  program
    .command('check')
    .description('validate the configuration and the flag file, and list every mistake')
    .option(...configOption)
    .action(async (options: { config?: string }) => done(await (await import('./check.ts')).check(options)));
  program
    .command('explain')
    .description('tell which version a request gets, and why')
    .option(...configOption)
    .requiredOption('--path <path>', 'path and query of the request, such as /fact/')
    .option('--method <method>', 'method of the request', 'GET')
    .option('--host <host>', 'Host of the request', 'localhost')
    .option('--cookie <name=value>', 'a cookie; may be repeated', collect, [])
    .option('--header <"Name: value">', 'a header; may be repeated', collect, [])
    .option('--json', 'print JSON')
    .action(async (options: ExplainOptions) => done(await (await import('./explain.ts')).explain(options)));
  program
    .command('plan')
    .description('tell how much worse v1 has to be for the guard to see it, by simulation of the schedule')
    .argument('[flag]', 'the flag that is rolled out; all of them, when left out')
    .option(...configOption)
    .requiredOption('--rps <number>', 'requests a second on the route')
    .option('--error-rate <share>', 'how often v0 fails, such as 0.5% or 0.005', '0.5%')
    .option('--users <number>', 'how many users there are; without it, nobody comes twice')
    .option('--latency <time>', 'the usual time until v0 answers, such as 20ms, to look at slowness too')
    .option('--seed <number>', 'where chance begins; the same seed says the same', '1')
    .option('--json', 'print JSON')
    .action(async (flag: string | undefined, options: PlanOptions) =>
      done(await (await import('./plan.ts')).plan(flag, options)),
    );
  program
    .command('schema')
    .description('print the JSON Schema of the configuration')
    .action(async () => done((await import('./schema.ts')).printSchema()));
  program
    .command('init')
    .description('write a commented configuration to start from; never overwrites')
    .argument('[file]', 'where to', './trenchcoat.yaml')
    .action(async (file: string) => done(await (await import('./init.ts')).init({ file })));
  program
    .command('demo')
    .description(
      'run two raccoon APIs, a page, the proxy and a two-minute rollout, with nothing else installed',
    )
    .option('--port <port>', 'port of the proxy', portNumber, 8080)
    .option('--fast', 'the rollout in ten seconds')
    .option('--break-v1', 'let v1 fail at 50 %, and the guard take everybody back to v0')
    .action(async (options: DemoOptions) => done(await (await import('./demo.ts')).demo(options)));
  program
    .command('demo-apis')
    .description('run the two raccoon APIs of the demo alone, for a proxy to stand before')
    .option('--listen <address>', 'where they listen', '127.0.0.1:8000')
    .action(async (options: { listen: string }) =>
      done(await (await import('./demo-apis.ts')).demoApis(options)),
    );
  reaching(program, 'probe', 'ask a running proxy whether it is alive, or ready for traffic')
    .addArgument(new Argument('[probe]', 'what to ask').choices(['live', 'ready']).default('ready'))
    .option('--timeout <time>', 'how long the answer may take', time, 1000)
    .addHelpText('after', '\nExit code: 0 it is; 1 it is not, and why; 2 nobody answers.')
    .action(async (probe: Probe, options: ProbeOptions) =>
      done(await (await import('./probe.ts')).probe(probe, options)),
    );
  asking(program, 'reload', 'have a running proxy read its configuration again').action(
    async (options: ReloadOptions) => done(await (await import('./reload.ts')).reload(options)),
  );
  addRollout(program, done);
  addGuard(program, done);
  return program;
}

const verbs: Record<PersonVerb, string> = {
  start: 'begin with the first stage; after a rollback, begin anew',
  pause: 'stop the clock of the stage, and stay at its percentage',
  resume: 'let the clock of the stage go on',
  rollback: 'send everybody to the old version, at once',
  promote: 'go to the end, whatever stages are left',
};

/** The commands that steer a rollout of a running proxy, through its admin port. */
function addRollout(program: Command, done: (code: number) => void): void {
  const rollout = program.command('rollout').description('show and steer a rollout of a running proxy');
  const command = (name: string, description: string) =>
    asking(rollout, name, description).argument(
      '[flag]',
      'the flag that is rolled out; may be left out when there is one rollout',
    );
  command('status', 'tell where a rollout stands, or all of them').action(
    async (flag: string | undefined, options: RolloutOptions) =>
      done(await (await import('./rollout.ts')).status(flag, options)),
  );
  command('watch', 'follow a rollout until it is over, or Ctrl-C').action(
    async (flag: string | undefined, options: RolloutOptions) =>
      done(await (await import('./rollout.ts')).watch(flag, options)),
  );
  for (const verb of Object.keys(verbs) as PersonVerb[])
    command(verb, verbs[verb])
      .option('--why <text>', 'the reason, for the history')
      .action(async (flag: string | undefined, options: RolloutOptions & { why?: string }) =>
        done(await (await import('./rollout.ts')).steer(verb, flag, options)),
      );
}

/** The commands that show and clear what watches the routes of a running proxy. */
function addGuard(program: Command, done: (code: number) => void): void {
  const guard = program.command('guard').description('show and clear the guards of a running proxy');
  asking(guard, 'status', 'tell what a guard has seen and found, or all of them')
    .argument('[route]', 'the route that is guarded')
    .action(async (route: string | undefined, options: GuardOptions) =>
      done(await (await import('./guard.ts')).status(route, options)),
    );
  asking(guard, 'clear', 'forget what a guard found, and watch the route anew')
    .argument('[route]', 'the route that is guarded; may be left out when there is one')
    .option('--why <text>', 'the reason, for the log')
    .action(async (route: string | undefined, options: GuardOptions & { why?: string }) =>
      done(await (await import('./guard.ts')).clear(route, options)),
    );
}

/** A command that asks the admin port, and tells a person or a script. */
const asking = (parent: Command, name: string, description: string): Command =>
  reaching(parent, name, description).option('--json', 'print JSON');

/** A command that asks the admin port. */
const reaching = (parent: Command, name: string, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .addOption(new Option(...configOption).conflicts('admin'))
    .option('--admin <url>', 'the admin port, such as http://127.0.0.1:9901, in place of a configuration')
    .option('--token <token>', "the admin port's token, when it has one");

const collect = (value: string, earlier: string[]) => [...earlier, value];

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is a number up to 65535.');
  return port;
}

/** Milliseconds. */
function time(text: string): number {
  const [, amount, unit] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s)$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (unit === 's' ? 1000 : 1));
  if (!(ms >= 1 && ms <= 60_000))
    throw new InvalidArgumentError('A time is 1ms to 60s, such as 500ms or 2s.');
  return ms;
}

/** Puts `run` before what names no command. As commander's default command it would swallow a mistyped one. */
const withCommand = (words: string[]) =>
  words[0] === undefined || /^-(?!h$|-help$|V$|-version$)/.test(words[0]) ? ['run', ...words] : words;

/** Runs one command line. Resolves with the exit code: 0 fine, 1 the user's mistake, 2 ours or the environment's. */
export async function main(argv: readonly string[]): Promise<number> {
  let code = 0;
  try {
    await createProgram((result) => (code = result)).parseAsync(withCommand(argv.slice(2)), { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
    if (error instanceof UserError || error instanceof EnvironmentError) {
      // Mistakes in a file name their own place.
      const located = error instanceof UserError && error.problems.length > 0;
      process.stderr.write(`${located ? '' : 'trenchcoat: '}${error.message}\n`);
      return error instanceof UserError ? 1 : 2;
    }
    process.stderr.write(
      `trenchcoat: a fault of ours: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
    return 2;
  }
}
