import { answers } from './answers.ts';
import type { Behaviour } from './behaviour.ts';
import { ends } from './ends.ts';
import { flow } from './flow.ts';
import { framing } from './framing.ts';
import { stopping } from './headers.ts';
import { heads } from './heads.ts';
import { life } from './life.ts';
import { passing } from './passing.ts';
import { target } from './target.ts';
import { tunnels } from './tunnels.ts';

/** The wire contract of ARCHITECTURE.md, row by row. */
export const behaviours: readonly Behaviour[] = [
  ...framing,
  ...heads,
  ...target,
  ...stopping,
  ...passing,
  ...answers,
  ...flow,
  ...ends,
  ...life,
  ...tunnels,
].toSorted((a, b) => a.number - b.number);
