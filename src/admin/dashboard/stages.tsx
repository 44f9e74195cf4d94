import type { RolloutStanding } from '../snapshot.ts';
import { percentText, spanText } from './words.ts';

type Step = {
  name: string;
  percent: number;
  forMs: number | null;
  state: 'done' | 'current' | 'next';
  past: number;
};

/** The stages as stairs, as wide as they are long and as high as their share, with the present moment in them. */
export function Stages({ rollout }: { rollout: RolloutStanding }) {
  const steps = stepsOf(rollout);
  const reached = rollout.stage !== null || rollout.status === 'completed';
  const stopped = rollout.status === 'paused' || rollout.status === 'regressed';
  return (
    <ol class="stages" data-status={rollout.status}>
      {steps.map(({ name, percent, forMs, state, past }) => (
        <li
          key={name}
          data-state={state}
          aria-current={state === 'current' ? 'step' : undefined}
          style={{ '--percent': percent / 100, '--past': past, '--wide': widthOf(forMs, steps) }}
        >
          <span class="stair" aria-hidden="true">
            <span class="past" />
            {state === 'current' && <span class="now" />}
          </span>
          <span class="step">
            <strong>{percentText(percent)}</strong>
            <span class="quiet">{forMs === null ? 'then on' : spanText(forMs)}</span>
            {reached && <span class="state">{wordOf(state, stopped)}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}

const wordOf = (state: Step['state'], stopped: boolean): string =>
  state === 'current' ? (stopped ? 'stopped here' : 'now') : state;

/** The stages, and what comes behind them. */
function stepsOf({ stages, stage, status, holdback, elapsedMs }: RolloutStanding): Step[] {
  const over = status === 'completed';
  const steps = stages.map(({ percent, forMs }, place): Step => {
    const done = over || (stage !== null && place < stage);
    const current = place === stage;
    const past = done ? 1 : current ? Math.min(1, elapsedMs / Math.max(1, forMs)) : 0;
    return {
      name: `stage ${place + 1}`,
      percent,
      forMs,
      state: done ? 'done' : current ? 'current' : 'next',
      past,
    };
  });
  return [
    ...steps,
    {
      name: 'end',
      percent: 100 - holdback,
      forMs: null,
      state: over ? 'current' : 'next',
      past: over ? 1 : 0,
    },
  ];
}

/** Widths follow the time less than proportionally, so that a minute beside a day can be seen. */
function widthOf(forMs: number | null, steps: readonly Step[]): number {
  const longest = Math.max(1, ...steps.map(({ forMs }) => forMs ?? 0));
  return forMs === null ? 0.6 : Math.max(0.35, Math.sqrt(forMs / longest));
}
