import type { z } from 'zod';
import type { FlagEntry, SegmentEntry } from './flag-schema.ts';

type Flags = Record<string, FlagEntry>;
type Segments = Record<string, SegmentEntry>;
type Path = (string | number)[];
type Report = (path: Path, message: string, input?: unknown) => void;
type Data = {
  flags?: Flags | undefined;
  flagValues?: Record<string, unknown> | undefined;
  segments?: Segments | undefined;
};

/** Checks what flag data says of its other parts: variations, prerequisites, segments and keys. */
export function crossCheck({ flags = {}, flagValues = {}, segments = {} }: Data, ctx: z.RefinementCtx): void {
  const report: Report = (path, message, input) =>
    ctx.addIssue({ code: 'custom', path, message, input, params: { sentence: true } });
  for (const [key, flag] of Object.entries(flags)) {
    sameKey(['flags', key], key, flag.key, report);
    variationsExist(key, flag, report);
    prerequisitesExist(key, flag, flags, flagValues, report);
    for (const [index, { clauses }] of (flag.rules ?? []).entries())
      segmentsExist(['flags', key, 'rules', index, 'clauses'], clauses, segments, report);
    if (Object.hasOwn(flagValues, key)) report(['flagValues', key], `${key} is one of \`flags\` too`);
  }
  for (const [section, entries] of Object.entries({ flags, flagValues, segments }))
    for (const key of Object.keys(entries))
      if (key in Object.prototype)
        report([section, key], `the SDK cannot hold the key ${key}; give it another`);
  for (const [key, segment] of Object.entries(segments)) {
    sameKey(['segments', key], key, segment.key, report);
    for (const [index, { clauses }] of (segment.rules ?? []).entries())
      segmentsExist(['segments', key, 'rules', index, 'clauses'], clauses, segments, report);
  }
  noCircle('flags', Object.keys(flags), (key) => prerequisitesOf(flags[key]), 'prerequisites', report);
  noCircle('segments', Object.keys(segments), (key) => segmentsOf(segments[key]), 'rules', report);
}

function sameKey(path: Path, key: string, given: string | null | undefined, report: Report): void {
  if (typeof given === 'string' && given !== key)
    report([...path, 'key'], `found {}; write ${key}, as where it stands, or leave it out`, given);
}

function variationsExist(key: string, flag: FlagEntry, report: Report): void {
  const last = flag.variations.length - 1;
  const check = (path: Path, index: number | null | undefined) => {
    if (typeof index === 'number' && index > last)
      report(['flags', key, ...path], `the flag has variations 0 to ${last}, not ${index}`, index);
  };
  const checkChoice = (path: Path, choice: NonNullable<FlagEntry['fallthrough']>) => {
    check([...path, 'variation'], choice.variation);
    for (const [index, { variation }] of (choice.rollout?.variations ?? []).entries())
      check([...path, 'rollout', 'variations', index, 'variation'], variation);
  };
  check(['offVariation'], flag.offVariation);
  checkChoice(['fallthrough'], flag.fallthrough ?? {});
  for (const [index, rule] of (flag.rules ?? []).entries()) checkChoice(['rules', index], rule);
  for (const list of ['targets', 'contextTargets'] as const)
    for (const [index, { variation }] of (flag[list] ?? []).entries())
      check([list, index, 'variation'], variation);
}

function prerequisitesExist(
  key: string,
  flag: FlagEntry,
  flags: Flags,
  flagValues: Record<string, unknown>,
  report: Report,
): void {
  for (const [index, prerequisite] of (flag.prerequisites ?? []).entries()) {
    const path: Path = ['flags', key, 'prerequisites', index];
    const other = Object.hasOwn(flags, prerequisite.key) ? flags[prerequisite.key] : undefined;
    if (other === undefined && !Object.hasOwn(flagValues, prerequisite.key))
      report([...path, 'key'], 'there is no flag {}', prerequisite.key);
    const last = (other?.variations.length ?? 1) - 1;
    if (prerequisite.variation > last)
      report(
        [...path, 'variation'],
        `${prerequisite.key} has variations 0 to ${last}, not ${prerequisite.variation}`,
        prerequisite.variation,
      );
  }
}

type Clauses = { op: string; values: unknown[] }[];

function segmentsExist(path: Path, clauses: Clauses, segments: Segments, report: Report): void {
  for (const [index, { op, values }] of clauses.entries())
    for (const [at, value] of values.entries())
      if (op === 'segmentMatch' && !(typeof value === 'string' && Object.hasOwn(segments, value)))
        report([...path, index, 'values', at], 'there is no segment {}', value);
}

const prerequisitesOf = (flag: FlagEntry | undefined) => (flag?.prerequisites ?? []).map(({ key }) => key);

const segmentsOf = (segment: SegmentEntry | undefined) =>
  (segment?.rules ?? [])
    .flatMap(({ clauses }) => clauses)
    .filter(({ op }) => op === 'segmentMatch')
    .flatMap(({ values }) => values.map(String));

/** Reports every entry that leads back to itself, which the SDK answers with an error for everyone. */
function noCircle(
  section: string,
  keys: string[],
  next: (key: string) => string[],
  field: string,
  report: Report,
): void {
  const circular = inCircles(keys, next);
  for (const key of keys)
    if (circular.has(key))
      report([section, key, field], `${key} refers to itself, by way of others or at once`);
}

/** A key under way. `low` is the place of the earliest open key that it is known to lead to. */
type Visit = { key: string; place: number; low: number; left: string[]; open: boolean };

/**
 * The keys that lead back to themselves, each looked at once: Tarjan's strongly connected components. Without
 * recursion, since a chain may be longer than the stack.
 */
function inCircles(keys: string[], next: (key: string) => string[]): Set<string> {
  const found = new Set<string>();
  const visits = new Map<string, Visit>();
  const path: Visit[] = [];
  const open: Visit[] = [];
  const enter = (key: string): void => {
    const visit = { key, place: visits.size, low: visits.size, left: next(key), open: true };
    visits.set(key, visit);
    path.push(visit);
    open.push(visit);
  };
  const leave = (visit: Visit): void => {
    path.pop();
    const before = path.at(-1);
    if (before !== undefined) before.low = Math.min(before.low, visit.low);
    if (visit.low < visit.place) return;
    const circle = open.splice(open.lastIndexOf(visit));
    for (const member of circle) {
      member.open = false;
      if (circle.length > 1) found.add(member.key);
    }
  };
  for (const start of keys) {
    if (!visits.has(start)) enter(start);
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const to = visit.left.pop();
      const other = to === undefined ? undefined : visits.get(to);
      if (to === undefined) leave(visit);
      else if (other === undefined) enter(to);
      else if (other === visit) found.add(to);
      else if (other.open) visit.low = Math.min(visit.low, other.place);
    }
  }
  return found;
}
