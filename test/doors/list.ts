import type { Behaviour } from './behaviour.ts';
import { framing } from './framing.ts';
import { heads } from './heads.ts';
import { target } from './target.ts';

/** The wire contract of ARCHITECTURE.md, row by row. */
export const behaviours: readonly Behaviour[] = [...framing, ...heads, ...target];
