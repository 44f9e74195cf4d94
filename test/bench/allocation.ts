import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/**
 * Has a program of Node's tell of each collection of garbage, and what was allocated since the one before. With little room
 * for what is young they come often, so that what is allocated after the last one does not matter.
 */
export const tellingAllocation = ['--trace-gc-nvp', '--max-semi-space-size=1'] as const;

/** Where a log ends now. */
export const endOf = (log: string): number => statSync(log).size;

/** Bytes that a program's log says it allocated since it ended at `from`. */
export function allocatedSince(log: string, from: number): number {
  const descriptor = openSync(log, 'r');
  try {
    const bytes = Buffer.alloc(fstatSync(descriptor).size - from);
    readSync(descriptor, bytes, 0, bytes.length, from);
    // `allocated=1234`, and in newer Nodes `"allocated":1234`; it may be less than nothing, which is printed as if it were 2⁶⁴ more.
    const found = bytes.toString('latin1').matchAll(/\ballocated"?[=:](\d+)/g);
    return [...found].reduce((sum, [, count = '']) => sum + Number(BigInt.asIntN(64, BigInt(count))), 0);
  } finally {
    closeSync(descriptor);
  }
}
