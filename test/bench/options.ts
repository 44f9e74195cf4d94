import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packageFile } from '../../src/package.ts';
import { nodes } from '../support/node-versions.ts';
import { before, type Contender } from './contenders.ts';
import { ourProgram } from './place.ts';
import { scenarios, type Scenario } from './scenarios.ts';

/** Everything there is to measure, at the usual rate. */
const known = scenarios(1000);

const unique = (names: readonly string[]) => [...new Set(names)];

const contenderNames = unique(known.flatMap(({ contenders }) => contenders.map(({ name }) => name)));

export const usage = `usage: npm run bench -- [options]

Runs ours and other proxies in turn, each alone on a core; the load and the upstream share another. Prints the medians.

  --what A,B     what to measure, or \`all\` (cpu):
${known.map(({ name, about }) => `                   ${name.padEnd(12)}${about}`).join('\n')}
                   ${'profile'.padEnd(12)}what ours does with its time under the load of \`cpu\`
  --only A,B     whom to measure, where they take part:
                   ${contenderNames.slice(0, 8).join(', ')},
                   ${contenderNames.slice(8).join(', ')}
  --node N       the Node that those in Node run on (the one this runs on); of .ci/nodes: ${[...nodes.keys()].map((name) => name.replace('node', '')).join(', ')}
  --before DIR   another checkout, compiled there by \`npm run types\`, beside ours where ours takes part
  --rounds N     turns of each; medians are reported (5)
  --seconds N    length of a measurement (5)
  --warm-up N    requests to each before the first round (60000)
  --rate N       requests a second in \`latency\` (1000)
  --out FILE     where all figures go (artifacts/bench.json)

Other proxies for Node are installed into a cache when they are first asked for: PEERS_PATH, else
~/.cache/trenchcoat/peers.`;

export type Options = {
  rounds: number;
  seconds: number;
  warmUp: number;
  chosen: readonly Scenario[];
  /** Whether ours is to be profiled. */
  profile: boolean;
  node: string;
  out: string;
};

/** Undefined when the command line makes no sense. */
export function readOptions(args: string[]): Options | 'help' | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: {
        help: { type: 'boolean', default: false },
        what: { type: 'string', default: 'cpu' },
        only: { type: 'string' },
        node: { type: 'string' },
        before: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        seconds: { type: 'string', default: '5' },
        'warm-up': { type: 'string', default: '60000' },
        rate: { type: 'string', default: '1000' },
        out: { type: 'string', default: packageFile('artifacts/bench.json') },
      },
    });
    if (values.help) return 'help';
    const numbers = [values.rounds, values.seconds, values.rate, values['warm-up']].map(Number);
    const [rounds = 0, seconds = 0, rate = 0, warmUp = 0] = numbers;
    if (!numbers.every((number) => Number.isInteger(number) && number >= 0)) return undefined;
    if (rounds === 0 || seconds === 0 || rate === 0) return undefined;
    const all = [...known.map(({ name }) => name), 'profile'];
    const what = values.what === 'all' ? all : values.what.split(',');
    const only = values.only?.split(',');
    const node = values.node === undefined ? process.execPath : nodes.get(`node${values.node}`)?.path;
    if (what.some((name) => !all.includes(name)) || node === undefined) return undefined;
    if (only?.some((name) => !contenderNames.includes(name))) return undefined;
    if (values.before !== undefined && !existsSync(ourProgram(resolve(values.before)))) return undefined;
    const chosen = scenarios(rate)
      .filter(({ name }) => what.includes(name))
      .map((scenario) => withBefore(narrowed(scenario, only), values.before))
      .filter(({ contenders }) => contenders.length > 0);
    return { rounds, seconds, warmUp, chosen, profile: what.includes('profile'), node, out: values.out };
  } catch {
    return undefined;
  }
}

const narrowed = (scenario: Scenario, only: readonly string[] | undefined): Scenario => ({
  ...scenario,
  contenders: scenario.contenders.filter(({ name }) => only?.includes(name) ?? true),
});

function withBefore(scenario: Scenario, checkout: string | undefined): Scenario {
  const { contenders, figures } = scenario;
  if (checkout === undefined || !contenders.some(({ name }) => name === 'ours')) return scenario;
  const more: Contender[] = [...contenders, before(resolve(checkout))];
  return { ...scenario, contenders: more, figures: [...figures, 'toBefore'] };
}
