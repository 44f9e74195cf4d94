const newline = 0x0a;

/**
 * Passes on the whole lines of a worker's output, as they are.
 */
export function createLineRelay(pass: (lines: Buffer, count: number) => void): (bytes: Buffer) => void {
  let begun: Buffer[] = [];
  return (bytes) => {
    const end = bytes.lastIndexOf(newline) + 1;
    if (end > 0) {
      const whole = [...begun, bytes.subarray(0, end)];
      const lines = whole.length === 1 ? (whole[0] as Buffer) : Buffer.concat(whole);
      pass(lines, linesIn(lines));
      begun = [];
    }
    if (end < bytes.length) begun.push(bytes.subarray(end));
  };
}

function linesIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) count += 1;
  return count;
}
