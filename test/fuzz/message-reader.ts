/**
 * What requests and answers have in common, read from latin1 text as RFC 9112 has it and in no other way. This is the
 * yardstick that the proxy is held against: it shares nothing with `src`, and prefers short to fast.
 */

export type Header = readonly [name: string, value: string];

/** The text breaks the grammar at this point, whatever may follow. */
export class Malformed extends Error {}
/** The text ends too early; so far it is well-formed. */
export class Incomplete extends Error {}

export type Framing = 'none' | 'length' | 'chunked' | 'until close';

/** Reads one message from `at` on, and notes what a strict recipient may refuse although it is well-formed. */
export class MessageReader {
  readonly text: string;
  at: number;
  readonly quirks = new Set<string>();
  headers: Header[] = [];
  trailers: Header[] = [];
  body = '';

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }

  /** Up to the next CRLF. */
  line(): string {
    const rest = this.text.slice(this.at);
    const end = /\r(?!$)|\n/.exec(rest)?.index ?? -1;
    if (end < 0) throw new Incomplete('within a line');
    if (rest.slice(end, end + 2) !== '\r\n') throw new Malformed('a CR or LF alone');
    this.at += end + 2;
    return rest.slice(0, end);
  }

  fields(): Header[] {
    const fields: Header[] = [];
    for (let line = this.line(); line !== ''; line = this.line()) {
      const [, name, value] = /^([!#$%&'*+.^_`|~\dA-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Malformed(`a field line: ${line}`);
      fields.push([name, value.replaceAll(/^[\t ]+|[\t ]+$/g, '')]);
    }
    return fields;
  }

  /** All values of a field. */
  values(name: string): string[] {
    return this.headers.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
  }

  /** The members of a list, in lower case. */
  tokens(name: string): string[] {
    const members = this.values(name).join(',').split(',');
    return members.map((one) => one.replaceAll(/^[\t ]+|[\t ]+$/g, '').toLowerCase()).filter(Boolean);
  }

  /** RFC 9112 §6: two framings, repeated ones, and codings other than chunked are all refused. */
  framing(minor: number): { framing: Framing; length: number } {
    const lengths = this.values('content-length');
    const codings = this.values('transfer-encoding');
    if (lengths.length + codings.length > 1) throw new Malformed('framed twice');
    const [length] = lengths;
    const [coding] = codings;
    if (coding !== undefined) {
      if (coding.toLowerCase() !== 'chunked' || minor === 0) throw new Malformed('a coding not to be read');
      return { framing: 'chunked', length: 0 };
    }
    if (length === undefined) return { framing: 'none', length: 0 };
    // Up to 64 bits a length is one that nobody can send; beyond, none.
    if (!/^\d+$/.test(length) || BigInt(length) >= 1n << 64n)
      throw new Malformed('a length that is no number');
    if (/^0\d|\d{15}/.test(length)) this.quirks.add('an odd length');
    return { framing: 'length', length: Number(length) };
  }

  sizedBody(length: number): void {
    this.body = this.text.slice(this.at, this.at + length);
    this.at += this.body.length;
    if (this.body.length < length) throw new Incomplete('within the body');
  }

  chunkedBody(): void {
    for (;;) {
      const line = this.line();
      const [, digits = '', extension = ''] =
        /^([\da-fA-F]+)([\t ]*;[\t\x20-\x7e\x80-\xff]*)?$/.exec(line) ?? [];
      // Sixteen digits are a length that nobody can send; more are none.
      const size = /^0*[\da-fA-F]{1,16}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
      if (Number.isNaN(size)) throw new Malformed(`a chunk size: ${line}`);
      if (extension !== '') this.quirks.add('a chunk extension');
      if (digits.length > 8) this.quirks.add('a long chunk size');
      if (size === 0) break;
      const data = this.text.slice(this.at, this.at + size);
      this.body += data;
      this.at += data.length;
      if (data.length < size) throw new Incomplete('within a chunk');
      if (this.text.length < this.at + 2 && '\r\n'.startsWith(this.text.slice(this.at)))
        throw new Incomplete('after a chunk');
      if (!this.text.startsWith('\r\n', this.at)) throw new Malformed('a chunk longer than its size');
      this.at += 2;
    }
    this.trailers = this.fields();
    if (this.trailers.some(([name]) => /^(transfer-encoding|content-length|connection|upgrade)$/i.test(name)))
      this.quirks.add('a framing field that comes too late');
  }
}
