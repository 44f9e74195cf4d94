import { printable } from '../config/errors.ts';
import { stageRequests } from '../config/rollout-schema.ts';
import type { Plan, Prospect } from './prospect.ts';
import { span } from './report.ts';

/** A plan in a few readable lines. */
export function planText(plan: Plan): string {
  const { flag, route, rps, users, errors, latency, errorRate } = plan;
  const who = users === 'new' ? 'each of a new user' : `of ${users} users`;
  const lines = [
    `${flag} on ${route}: ${rps} requests a second, ${who}, ${percent(errorRate)} failing on v0`,
  ];
  if (plan.guard === 'off') lines.push('  its guard is off: nothing is watched, and nothing would be caught');
  else {
    lines.push(`  ${summary(plan)}`, '', ...table('failing on v1', true, errors.map(failingRow)));
    if (latency !== undefined)
      lines.push('', ...table(`slower than ${latency.ms} ms`, false, latency.slower.map(slowerRow)));
    lines.push('', ...notesOf(plan).map((note) => `  ${note}`));
  }
  return `${lines.map((line) => printable(line).trimEnd()).join('\n')}\n`;
}

/** `25 % for 1m, 50 % for 1m catches a rise from 0.5 % to 2 % 99 % of the time, to 1 % 7 %` */
export function summary({ stages, errorRate, errors }: Plan): string {
  const schedule = stages.map(({ percent, forMs }) => `${percent} % for ${span(forMs)}`).join(', ');
  const surely = errors.findIndex(({ chance }) => chance >= 0.95);
  const [caught, missed] = surely < 0 ? [errors.at(-1), undefined] : [errors[surely], errors[surely - 1]];
  if (caught === undefined) return schedule;
  const rise =
    caught.value === 1
      ? `a v1 that is down in ${chanceOf(caught)} of runs`
      : `a rise from ${percent(errorRate)} to ${percent(caught.value)} ${chanceOf(caught)} of the time`;
  const to = caught.value === 1 ? 'a rise to' : 'to';
  const less = missed === undefined ? '' : `, ${to} ${percent(missed.value)} ${chanceOf(missed)}`;
  return `${schedule} catches ${rise}${less}`;
}

function notesOf({ stages, rps, held, errors, latency }: Plan): string[] {
  const notes: string[] = [];
  const stage = held === undefined ? undefined : stages[held];
  if (stage !== undefined)
    notes.push(
      `${rps} requests a second are too few for ${stage.percent} % for ${span(stage.forMs)}: it lacks ${stageRequests} requests on v1 at twice its time, and the rollout is held there.`,
    );
  const cut = [...errors, ...(latency?.slower ?? [])].flatMap(
    ({ simulatedSeconds }) => simulatedSeconds ?? [],
  );
  if (cut.length > 0)
    notes.push(`Not all of the schedule was simulated, but ${span(1000 * Math.min(...cut))} at least.`);
  notes.push(
    'Simulated; few runs say little. `after` is the median. `down` is without the shortcut',
    'for refused connections, which acts after five.',
  );
  return notes;
}

type Row = [value: string, prospect: Prospect];

const failingRow = (prospect: Prospect): Row => [
  prospect.value === 1 ? 'down' : percent(prospect.value),
  prospect,
];

const slowerRow = (prospect: Prospect): Row => [`+${Math.round(100 * (prospect.value - 1))} %`, prospect];

function table(head: string, failures: boolean, rows: readonly Row[]): string[] {
  const cells = [
    [head, 'caught', 'after', 'runs', ...(failures ? ['failed by then'] : [])],
    ...rows.map(([value, prospect]) => [
      value,
      chanceOf(prospect),
      prospect.medianSeconds === undefined ? '-' : span(1000 * prospect.medianSeconds),
      String(prospect.runs),
      ...(failures ? [String(prospect.failedByThen ?? '-')] : []),
    ]),
  ];
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  return cells.map((row) => `  ${row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ')}`);
}

/** Never 0 % of what happened, nor 100 % of what did not always. */
function chanceOf({ chance }: Prospect): string {
  const rounded = Math.round(100 * chance);
  return `${chance === 0 || chance === 1 ? rounded : Math.min(99, Math.max(1, rounded))} %`;
}

const percent = (rate: number): string => `${Number((100 * rate).toPrecision(3))} %`;
