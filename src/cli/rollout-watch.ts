import { setTimeout as delay } from 'node:timers/promises';
import { EnvironmentError, printableJson } from '../config/errors.ts';
import { changeText, isOver, watchLine, type Rollout } from './rollout-text.ts';

/** Where a watch is shown. On a terminal, `columns` tells its width; elsewhere it is absent, and lines are written. */
export type Screen = {
  write: (text: string) => void;
  note: (text: string) => void;
  columns: (() => number) | undefined;
  json: boolean;
};

const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';
const clearLine = '\r\u001b[K';

/**
 * Follows a rollout, with `pause` milliseconds between two looks, until it is over or the signal is aborted. A proxy
 * that goes away is waited for; what `look` throws beside an `EnvironmentError` ends the watch.
 */
export async function watchRollout(
  look: () => Promise<Rollout>,
  { write, note, columns, json }: Screen,
  signal: AbortSignal,
  pause = 500,
): Promise<void> {
  let shown: string | undefined;
  let away = false;
  const draw = (view: Rollout, width: number) =>
    // The last column stays empty: some terminals go to the next line after it.
    write(isOver(view) ? `${clearLine}${changeText(view)}\n` : clearLine + watchLine(view, width - 1));
  const tell = (view: Rollout) => {
    const { status, percent, stage } = view;
    const now = JSON.stringify([status, percent, stage]);
    if (now !== shown) write(`${json ? printableJson(view) : changeText(view)}\n`);
    shown = now;
  };

  if (columns !== undefined) write(hideCursor);
  try {
    while (!signal.aborted) {
      try {
        const view = await look();
        away = false;
        if (columns === undefined) tell(view);
        else draw(view, columns());
        if (isOver(view)) return;
      } catch (error) {
        if (!(error instanceof EnvironmentError)) throw error;
        if (!away) note(`${columns === undefined ? '' : clearLine}trenchcoat: ${error.message}; trying on\n`);
        away = true;
      }
      await delay(pause, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    if (columns !== undefined) write('\n');
  } finally {
    if (columns !== undefined) write(showCursor);
  }
}
