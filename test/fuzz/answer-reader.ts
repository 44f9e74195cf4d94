import { Incomplete, Malformed, MessageReader, type Framing, type Header } from './message-reader.ts';

export type AnswerHead = { status: number; reason: string; headers: Header[] };

export type ReadAnswer = AnswerHead & {
  framing: Framing;
  body: string;
  trailers: Header[];
};

/** How the sender ended, as far as is known. */
export type Ending = 'open' | 'end' | 'reset';

export type AnswerReading = {
  kind: 'complete' | 'incomplete' | 'malformed';
  why: string;
  informational: AnswerHead[];
  /** What there is of it, once its head is complete. */
  answer: ReadAnswer | undefined;
  quirks: ReadonlySet<string>;
  next: number;
};

/** What of the request decides how its answer is framed. */
export type Asked = { method: string; tunnel: boolean };

/** Reads the one answer to a request, its informational ones included. */
export function readAnswer(text: string, at: number, asked: Asked, ending: Ending): AnswerReading {
  const reader = new MessageReader(text, at);
  const informational: AnswerHead[] = [];
  const { quirks } = reader;
  let answer: ReadAnswer | undefined;
  const result = (kind: AnswerReading['kind'], why: string): AnswerReading => ({
    kind,
    why,
    informational,
    answer: answer && { ...answer, body: reader.body, trailers: reader.trailers },
    quirks,
    next: reader.at,
  });
  try {
    for (;;) {
      const { length, ...head } = readHead(reader, asked);
      if (head.status < 200 && head.status !== 101) {
        informational.push(head);
        continue;
      }
      answer = head;
      if (head.framing === 'length') reader.sizedBody(length);
      else if (head.framing === 'chunked') reader.chunkedBody();
      else if (head.framing === 'until close') {
        reader.body = text.slice(reader.at);
        reader.at = text.length;
        if (ending !== 'end') return result('incomplete', 'not closed');
      }
      return result('complete', '');
    }
  } catch (error) {
    if (!(error instanceof Incomplete || error instanceof Malformed)) throw error;
    return result(error instanceof Malformed ? 'malformed' : 'incomplete', error.message);
  }
}

function readHead(reader: MessageReader, asked: Asked): ReadAnswer & { length: number } {
  const { quirks } = reader;
  const start = reader.at;
  const line = reader.line();
  const [, digit, code, , reason = ''] =
    /^HTTP\/1\.([01]) ([1-9]\d\d)( ([\t\x20-\x7e\x80-\xff]*))?$/.exec(line) ?? [];
  if (code === undefined) throw new Malformed(`a status line: ${line}`);
  const minor = Number(digit);
  const status = Number(code);
  reader.headers = reader.fields();
  const { headers } = reader;
  if (!/^\S+ \d+ /.test(line)) quirks.add('no blank after the status');
  if (status > 599) quirks.add('an odd status');
  if (reader.at - start > 50_000) quirks.add('a long head');
  const { framing, length } = reader.framing(minor);
  const head = { status, reason, headers, body: '', trailers: [], length };
  if (status < 200) {
    if (framing === 'chunked' || length > 0 || minor === 0) throw new Malformed('informational, with a body');
    if (framing === 'length') quirks.add('a length where none belongs');
    if (status !== 101) return { ...head, framing: 'none' };
    const agreed = reader.values('upgrade').join().toLowerCase() === 'websocket';
    if (!asked.tunnel || !agreed || !reader.tokens('connection').includes('upgrade'))
      throw new Malformed('an upgrade nobody asked for');
    return { ...head, framing: 'until close' };
  }
  if (status === 204 && framing !== 'none') quirks.add('a length where none belongs');
  if (asked.method === 'HEAD' || status === 204 || status === 304) return { ...head, framing: 'none' };
  return { ...head, framing: framing === 'none' ? 'until close' : framing };
}
