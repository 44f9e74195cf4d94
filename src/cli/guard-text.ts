import { z } from 'zod';
import { doneText, oddsText, unitsText, versionName } from '../telemetry/regression.ts';
import { rate, report, span } from './report.ts';

const action = z.enum(['rollback', 'pause', 'notify']);
const side = z.looseObject({ version: z.string(), units: z.number(), failed: z.number() });

/** What is read of a `GuardView`, once it went through JSON; the rest is kept as it is. */
export const guard = z.looseObject({
  route: z.string(),
  flag: z.string(),
  onRegression: action,
  unit: z.string(),
  comparing: z.boolean(),
  epoch: z.looseObject({ number: z.number(), leftMs: z.number() }),
  seen: z.looseObject({ control: side, treatment: side }),
  signals: z.array(
    z.looseObject({ signal: z.string(), evidence: z.number(), needed: z.number(), warned: z.boolean() }),
  ),
  trip: z
    .looseObject({
      at: z.string(),
      action,
      percent: z.number().nullable(),
      stage: z.number().nullable(),
      words: z.string(),
    })
    .optional(),
  state: z.looseObject({ saved: z.boolean(), detail: z.string() }),
  launchdarkly: z
    .looseObject({ status: z.enum(['trying', 'off', 'left alone']), detail: z.string() })
    .optional(),
});

export type Guard = z.output<typeof guard>;

/** A guard in a few readable lines. `clearing` is the command that clears it. */
export function statusText(view: Guard, clearing: string): string {
  const { route, flag, onRegression, unit, epoch, trip, state, launchdarkly } = view;
  const { control, treatment } = view.seen;
  const [v0, v1] = [versionName(control.version), versionName(treatment.version)];
  const watched = view.comparing
    ? `${v1} is watched against ${v0}, by ${unit}`
    : `${v1} is not compared with ${v0} now: only one of them is served`;
  const head = `${route}: ${trip === undefined ? watched : `${v1} was found worse than ${v0}`} (flag ${flag})`;
  const lines: [string, string][] = [];
  if (trip !== undefined)
    lines.push(['found', trip.words], ['since', trip.at], ['done', doneText(trip, control.version)]);
  if (trip !== undefined) lines.push(['saved', `${state.saved ? 'yes' : 'no'}: ${state.detail}`]);
  if (launchdarkly !== undefined)
    lines.push(['flag', `${flagText[launchdarkly.status]}: ${launchdarkly.detail}`]);
  if (trip !== undefined) {
    if (trip.stage !== null) lines.push(['next', nextText[trip.action](flag)]);
    lines.push(['clear', clearing]);
  }
  lines.push(['if worse', intentText(onRegression, v0)]);
  if (view.comparing) lines.push(['epoch', `${epoch.number}, ${span(epoch.leftMs)} left`]);
  for (const { version, units, failed } of [treatment, control])
    lines.push([
      'seen',
      `${versionName(version)} failed ${failed} of ${units} ${unitsText(unit)} (${rate(failed, units, 1)})`,
    ]);
  for (const { signal, evidence, needed, warned } of view.comparing ? view.signals : [])
    lines.push([
      'evidence',
      `${signal} ${odds(evidence)}, wanted ${odds(needed)}${signal === 'split' ? ' to warn' : ''}${warned ? '; has warned' : ''}`,
    ]);
  return report(head, lines);
}

/** What will be done once the newer version is found worse. */
function intentText(onRegression: Guard['onRegression'], control: string): string {
  if (onRegression === 'rollback') return `everybody is taken back to ${control}`;
  return onRegression === 'pause' ? 'the rollout stays at its percentage' : 'it is said, and nothing done';
}

/** What a person may do about a rollout that is run here. */
const nextText: Record<Guard['onRegression'], (flag: string) => string> = {
  rollback: (flag) => `trenchcoat rollout start ${flag}, once it is repaired`,
  pause: (flag) => `trenchcoat rollout rollback ${flag}, or resume, or promote`,
  notify: (flag) => `trenchcoat rollout rollback ${flag}, or pause`,
};

const flagText = {
  trying: 'not off in LaunchDarkly yet',
  off: 'off in LaunchDarkly',
  'left alone': 'left alone in LaunchDarkly',
};

/** Evidence as people bet; what speaks for nothing, or against it, is none. */
const odds = (log: number): string => (log > 0 ? oddsText(log) : 'none');
