import { byTwo, one, type Family, type Guard } from './family.ts';

/** What moves users between versions: flags, rollouts, the guard. */
export const steeringFamilies: readonly Family[] = [
  {
    name: 'trenchcoat_flag_source_ready',
    type: 'gauge',
    help: '1 when flags have arrived and the source is healthy, else 0.',
    labels: [],
    samples: ({ flagSource }) => one(flagSource().ready ? 1 : 0),
  },
  {
    name: 'trenchcoat_flag_source_stale_seconds',
    type: 'gauge',
    help: 'For how long the source of flags has not been healthy, and the last known flags or defaults are served.',
    labels: [],
    samples: ({ flagSource }) => one(flagSource().staleMs / 1000),
  },
  {
    name: 'trenchcoat_flag_evaluations_total',
    type: 'counter',
    help: "Evaluations of a flag, by LaunchDarkly's reason.",
    labels: ['flag', 'reason'],
    samples: ({ tally }) => byTwo(tally.evaluations, 'flag', 'reason'),
  },
  {
    name: 'trenchcoat_rollout_percent',
    type: 'gauge',
    help: "Treatment's share of a rollout in force here, in percent.",
    labels: ['flag'],
    *samples({ rollouts }) {
      for (const { flag, percent } of rollouts()) yield { labels: { flag }, value: percent };
    },
  },
  {
    name: 'trenchcoat_rollout_state',
    type: 'gauge',
    help: '1 for the state that a rollout is in.',
    labels: ['flag', 'state'],
    *samples({ rollouts }) {
      for (const { flag, status } of rollouts()) yield { labels: { flag, state: status }, value: 1 };
    },
  },
  {
    name: 'trenchcoat_guard_evidence',
    type: 'gauge',
    help: 'Evidence that treatment is worse than control, as odds against 1; of `split`, that users do not divide as scheduled.',
    labels: ['route', 'signal'],
    samples: ({ guards }) => bySignal(guards(), ({ evidence }) => evidence),
  },
  {
    name: 'trenchcoat_guard_evidence_needed',
    type: 'gauge',
    help: 'The odds at which the guard acts; of `split`, warns.',
    labels: ['route', 'signal'],
    samples: ({ guards }) => bySignal(guards(), ({ needed }) => needed),
  },
  {
    name: 'trenchcoat_guard_tripped',
    type: 'gauge',
    help: '1 while the guard has found treatment worse on this route, and nobody has cleared it.',
    labels: ['route'],
    *samples({ guards }) {
      for (const { route, trip } of guards())
        yield { labels: { route }, value: trip?.route === route ? 1 : 0 };
    },
  },
  {
    name: 'trenchcoat_guard_trips_total',
    type: 'counter',
    help: 'How often this proxy has found treatment worse, by what gave it away.',
    labels: ['route', 'signal'],
    samples: ({ tally }) => byTwo(tally.trips, 'route', 'signal'),
  },
];

/** Prometheus' numbers end there. */
const most = 1e300;

function* bySignal(guards: readonly Guard[], log: (one: Guard['signals'][number]) => number) {
  for (const { route, signals } of guards)
    for (const one of signals)
      yield { labels: { route, signal: one.signal }, value: Math.min(most, Math.exp(log(one))) };
}
