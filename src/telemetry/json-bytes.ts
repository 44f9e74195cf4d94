import { withoutUnseen } from './visible.ts';

/**
 * Pieces of JSON as bytes. Each function writes at `at`, where there has to be room, and returns where it ended. No piece
 * becomes an object of its own, and a text is looked through as it is copied.
 */

/** ASCII as it is. */
export function put(bytes: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i += 1) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Two texts that are ASCII, one behind the other. */
export const putWord = (bytes: Buffer, at: number, before: string, word: string): number =>
  put(bytes, put(bytes, at, before), word);

const quote = 0x22;
const backslash = 0x5c;

/** Any text, quoted. */
export function putText(bytes: Buffer, at: number, text: string): number {
  bytes[at] = quote;
  const from = at + 1;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    // Printable ASCII but for the quote and the backslash is what JSON has no need to escape.
    if (unit < 0x20 || unit > 0x7e || unit === quote || unit === backslash)
      return at + bytes.write(withoutUnseen(JSON.stringify(text)), at);
    bytes[from + i] = unit;
  }
  bytes[from + text.length] = quote;
  return from + text.length + 1;
}

/** A whole number that is not negative. */
export function putInteger(bytes: Buffer, at: number, value: number): number {
  if (value >= 1e9) return put(bytes, at, String(value));
  let digits = 1;
  for (let most = 10; value >= most; most *= 10) digits += 1;
  let rest = value | 0;
  for (let i = digits - 1; i >= 0; i -= 1) {
    const tens = (rest / 10) | 0;
    bytes[at + i] = 0x30 + rest - tens * 10;
    rest = tens;
  }
  return at + digits;
}

/** Milliseconds to three decimals, without zeros at the end. */
export function putMs(bytes: Buffer, at: number, ms: number): number {
  const micros = Math.round(ms * 1000);
  const whole = Math.floor(micros / 1000);
  const rest = micros - whole * 1000;
  let to = putInteger(bytes, at, whole);
  if (rest === 0) return to;
  bytes[to] = 0x2e;
  const hundreds = (rest / 100) | 0;
  const tens = ((rest - hundreds * 100) / 10) | 0;
  const ones = rest - hundreds * 100 - tens * 10;
  bytes[to + 1] = 0x30 + hundreds;
  bytes[to + 2] = 0x30 + tens;
  bytes[to + 3] = 0x30 + ones;
  to += ones !== 0 ? 4 : tens !== 0 ? 3 : 2;
  return to;
}
