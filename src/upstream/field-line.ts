/** Header or trailer lines for a list that alternates names and values. */
export function fieldLines(list: readonly string[]): string {
  let text = '';
  for (let i = 0; i + 1 < list.length; i += 2) text += `${list[i]}: ${list[i + 1]}\r\n`;
  return text;
}

/**
 * Reads one header or trailer line (RFC 9112 §5) of `length` characters, its CRLF left out, and appends its name and
 * its value without the blanks around it. False for what is none: a name that is no token, a blank before the colon,
 * a folded line (it begins with a blank, which no name does), a control character in the value.
 */
export function readFieldLine(line: string, length: number, into: string[]): boolean {
  let colon = 0;
  while (colon < length && isTokenCharacter[line.charCodeAt(colon)] === 1) colon += 1;
  if (colon === 0 || colon === length || line.charCodeAt(colon) !== 58) return false;
  let start = colon + 1;
  while (start < length && isBlank(line.charCodeAt(start))) start += 1;
  let end = length;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end -= 1;
  for (let i = start; i < end; i += 1) if (isValueCharacter[line.charCodeAt(i)] !== 1) return false;
  into.push(line.slice(0, colon), line.slice(start, end));
  return true;
}

const isBlank = (code: number): boolean => code === 32 || code === 9;

/** RFC 9110 §5.6.2. */
const isTokenCharacter = table((code) => /^[!#$%&'*+\-.^_`|~\dA-Za-z]$/.test(String.fromCharCode(code)));

/** RFC 9110 §5.5: visible characters, blanks, and the bytes above ASCII that HTTP calls obs-text. */
const isValueCharacter = table((code) => code === 9 || (code >= 32 && code !== 127));

function table(holds: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (holds(code) ? 1 : 0));
}
