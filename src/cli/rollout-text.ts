import { z } from 'zod';
import { printable } from '../config/errors.ts';
import { rate, report, span } from './report.ts';

const counts = z.looseObject({ version: z.string(), requests: z.number().min(0), errors: z.number().min(0) });

/** What is read of a `RolloutView`, once it went through JSON; the rest is kept as it is. */
export const rollout = z.looseObject({
  flag: z.string(),
  status: z.string(),
  percent: z.number(),
  raise: z.looseObject({ percent: z.number(), inMs: z.number() }).optional(),
  contextKind: z.string(),
  from: z.string(),
  to: z.string(),
  holdback: z.number(),
  stages: z.array(z.looseObject({ percent: z.number(), forMs: z.number() })),
  stage: z.number().optional(),
  leftMs: z.number().optional(),
  waitsFor: z.looseObject({ requests: z.number(), of: z.number() }).optional(),
  seen: z.looseObject({ control: counts, treatment: counts }),
  verbs: z.array(z.string()),
  state: z.looseObject({ kept: z.string(), healthy: z.boolean(), saved: z.boolean(), detail: z.string() }),
  regression: z.looseObject({ words: z.string() }).optional(),
  history: z.array(
    z.looseObject({
      at: z.string(),
      who: z.string(),
      verb: z.string(),
      from: z.string(),
      to: z.string(),
      percent: z.number(),
      why: z.string(),
    }),
  ),
});

export type Rollout = z.output<typeof rollout>;

/** Changes that `status` shows. */
const recent = 5;

/** A rollout in a few readable lines. */
export function statusText(view: Rollout): string {
  const { flag, status, contextKind, from, to, stage, stages, waitsFor, seen, verbs } = view;
  const { requests: treated } = seen.treatment;
  const all = seen.control.requests + treated;
  const lines: [string, string][] = [];
  const current = stage === undefined ? undefined : stages[stage];
  if (current !== undefined)
    lines.push([
      'stage',
      `${stageText(view)} (${current.percent} % for ${span(current.forMs)}), ${clock(view)}`,
    ]);
  if (waitsFor !== undefined)
    lines.push(['waits', `for requests on ${to}: ${waitsFor.requests} of ${waitsFor.of}`]);
  lines.push(['seen', `${share(view)} on ${to}: ${treated} of ${all} requests here, at this percentage`]);
  for (const { version, requests, errors } of [seen.control, seen.treatment])
    lines.push(['errors', `${rate(errors, requests, 2)} on ${version}: ${errors} of ${requests}`]);
  if (view.regression !== undefined) lines.push(['guard', view.regression.words]);
  const trouble = troubleOf(view);
  if (trouble !== undefined) lines.push(['trouble', trouble]);
  lines.push(['verbs', verbs.length === 0 ? 'none is open now' : verbs.join(', ')]);
  for (const { at, who, verb, from: before, to: after, percent, why } of view.history.slice(-recent))
    lines.push([
      'history',
      `${at} ${who} ${verb}: ${words(before)} -> ${words(after)}, ${percent} %${why === '' ? '' : `; ${why}`}`,
    ]);
  const head = `${flag}: ${words(status)}, ${shareText(view)} (from ${from} to ${to}, by ${contextKind})`;
  return report(head, lines);
}

/** What is wrong with where the state is kept, if anything. */
export function troubleOf({ state: { kept, healthy, saved, detail } }: Rollout): string | undefined {
  if (!saved) return `not saved in ${kept} yet: ${detail}`;
  return healthy ? undefined : `the state in ${kept} is not well: ${detail}`;
}

/** One line for one change: `facts: in progress, 25 %, stage 1 of 2`, with the reason where the rollout has stopped. */
export function changeText(view: Rollout): string {
  const parts = [`${words(view.status)}, ${shareText(view)}`];
  if (view.stage !== undefined) parts.push(`stage ${stageText(view)}`);
  const why = isOver(view) || view.status === 'regressed' ? reason(view) : undefined;
  return printable(`${view.flag}: ${parts.join(', ')}${why === undefined ? '' : `; ${why}`}`);
}

/** What stopped it: what the guard found, unless a person had the last word; else whoever made the last change. */
function reason({ status, history, regression }: Rollout): string | undefined {
  const last = history.at(-1);
  if (regression !== undefined && status !== 'completed' && last?.who !== 'person')
    return `guard: ${regression.words}`;
  return last === undefined || last.why === '' ? undefined : `${last.who}: ${last.why}`;
}

/** Whether nothing more happens by itself: it is completed, and the last raise has taken effect; or it is reverted. */
export const isOver = ({ status, percent, holdback }: Rollout): boolean =>
  status === 'reverted' || (status === 'completed' && percent >= 100 - holdback);

const narrowest = 6;
const widest = 40;

/**
 * The live line, never wider than `width` columns: what matters most stays when there is little room, and the bar
 * takes what is left.
 */
export function watchLine(view: Rollout, width: number): string {
  const { flag, status, percent, leftMs, seen } = view;
  const { control, treatment } = seen;
  const errors = ({ errors, requests }: Rollout['seen']['control']) => rate(errors, requests, 1);
  // In the order of the line, each with its rank.
  const pieces: [number, string | undefined][] = [
    [7, flag],
    [3, ''.padEnd(narrowest + 2)],
    [0, `${percent} %`],
    [1, status === 'in_progress' ? undefined : words(status)],
    [2, view.stage === undefined ? undefined : `stage ${stageText(view)}`],
    [4, leftMs === undefined ? undefined : `${span(leftMs)} left`],
    [6, `seen ${share(view)}`],
    [5, `errors ${control.version}: ${errors(control)}, ${treatment.version}: ${errors(treatment)}`],
  ];
  const ranked = pieces
    .flatMap(([rank, text], place) => (text === undefined ? [] : [{ rank, place, text: printable(text) }]))
    .toSorted((a, b) => a.rank - b.rank);
  let room = width + gap.length;
  const kept: typeof ranked = [];
  for (const piece of ranked) {
    const taken = columns(piece.text) + gap.length;
    // What ranks lower stays out too, lest pieces come and go with every digit.
    if (taken > room) break;
    room -= taken;
    kept.push(piece);
  }
  return kept
    .toSorted((a, b) => a.place - b.place)
    .map(({ rank, text }) => (rank === 3 ? bar(percent, Math.min(widest, narrowest + room)) : text))
    .join(gap);
}

const gap = '  ';

/** In ASCII, since terminals do not agree on how wide a block is. */
function bar(percent: number, width: number): string {
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * width);
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}]`;
}

/** Columns that a text takes at the most: a character beyond ASCII may be wide. */
const columns = (text: string): number => text.length + (text.match(/[^ -~]/g)?.length ?? 0);

const words = (status: string): string => status.replaceAll('_', ' ');

/** `25 %`, or `0 %, 25 % in 1s` while a raise is to come. */
const shareText = ({ percent, raise }: Rollout): string =>
  raise === undefined ? `${percent} %` : `${percent} %, ${raise.percent} % in ${span(raise.inMs)}`;

const stageText = ({ stage = 0, stages }: Rollout): string => `${stage + 1} of ${stages.length}`;

const clock = ({ leftMs }: Rollout): string =>
  leftMs === undefined ? 'its clock stands still' : `${span(leftMs)} left`;

const share = ({ seen: { control, treatment } }: Rollout): string =>
  rate(treatment.requests, control.requests + treatment.requests, 1);
