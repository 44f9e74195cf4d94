import type { Behaviour } from './behaviour.ts';
import { framing } from './framing.ts';
import { heads } from './heads.ts';
import { target } from './target.ts';
import { headerRows } from './headers.ts';
import { answers } from './answers.ts';

/** The wire contract of ARCHITECTURE.md, row by row. */
export const behaviours: readonly Behaviour[] = [...framing, ...heads, ...target, ...headerRows, ...answers];
