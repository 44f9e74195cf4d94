import type { AccessLine } from './access-line.ts';

/** Columns of a terminal, and how many of them are taken by time and level. */
const columns = 100;
const ahead = 22;

/** Columns of a method and a path, which are filled up so that what follows stands below each other. */
const methodWidth = 6;
const pathWidth = 24;
const shortestPath = 12;

/** A request as a person reads it; the path gives way, so that it stays one line on a terminal. */
export function requestText(line: AccessLine): string {
  const { method, path, status, version, reason, durationMs, error } = line;
  const parts = [status, version, reason, `${durationMs.toFixed(1)}ms`, error?.code];
  const rest = parts.filter((part) => part !== undefined).join(' ');
  const room = Math.max(
    shortestPath,
    columns - ahead - Math.max(methodWidth, method.length) - rest.length - 2,
  );
  const shown = path.length > room ? `${path.slice(0, room - 1)}…` : path;
  return `${method.padEnd(methodWidth)} ${shown.padEnd(Math.min(pathWidth, room))} ${rest}`;
}

/** What follows a line end is set in, so that nothing that was said looks like a line of its own. */
export const messageText = (message: unknown): string => String(message).replaceAll('\n', '\n    ');
