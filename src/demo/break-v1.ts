import type { Standing } from './stages.ts';

/**
 * What to do after each stage that was told: once half of the visitors, or more, have v1, it breaks, and a line says so. That
 * is after the stage's own line, so that they are seen to have been well there.
 */
export function breakAtHalf(breakV1: () => void, tell: (line: string) => void): (told: Standing) => void {
  let broken = false;
  return ({ percent }) => {
    if (broken || percent < 50) return;
    broken = true;
    breakV1();
    tell('         v1 begins to fail: three in ten of its answers are 500 now');
  };
}
