import { UpstreamError } from '../../src/upstream/failure.ts';
import type { Asked } from '../../src/upstream/response-head.ts';
import { ResponseParser } from '../../src/upstream/response-parser.ts';

/** What a parser made of some bytes. */
export type Parsed = {
  informational: number[];
  status: number | undefined;
  reason: string | undefined;
  headers: string[];
  body: string;
  trailers: string[];
  /** `complete` by itself, `until close` when only the end of the connection completes it, `open` otherwise. */
  end: 'complete' | 'until close' | 'open' | 'refused';
  keepAlive: boolean;
  excess: number;
};

const get: Asked = { method: 'GET', protocol: undefined };

/** Reads bytes, given in latin1, `step` at a time: all at once unless told otherwise. */
export function parse(bytes: string, asked: Partial<Asked> = {}, step = Infinity): Parsed {
  const parsed: Parsed = {
    informational: [],
    status: undefined,
    reason: undefined,
    headers: [],
    body: '',
    trailers: [],
    end: 'open',
    keepAlive: false,
    excess: 0,
  };
  const parser = new ResponseParser({
    onInformational: (status) => parsed.informational.push(status),
    onHead: (status, reason, headers) => Object.assign(parsed, { status, reason, headers }),
    onBody: (chunk) => (parsed.body += chunk.toString('latin1')),
  });
  parser.begin({ ...get, ...asked });
  try {
    let complete = false;
    let at = 0;
    while (at < bytes.length && !complete) {
      complete = parser.execute(Buffer.from(bytes.slice(at, at + step), 'latin1'));
      at += step;
    }
    const left = Math.max(0, bytes.length - at);
    const { keepAlive, trailers } = parser;
    const end = complete ? 'complete' : parser.end() ? 'until close' : 'open';
    return { ...parsed, keepAlive, trailers, end, excess: parser.excess + left };
  } catch (error) {
    if (!(error instanceof UpstreamError) || error.code !== 'bad_response') throw error;
    return { ...parsed, end: 'refused' };
  }
}
