import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import type { RequestBody, RequestHead } from './exchange.ts';
import { joined, requestFields } from './http2-fields.ts';

/** Not loaded until an upstream speaks it. */
export const http2 = () => process.getBuiltinModule('node:http2');

/** In one table, HPACK lets whoever can count bytes guess at what others sent; what must not be guessed stays out (RFC 7541 §7.1.3). */
const secrets = ['authorization', 'cookie'];

/** Opens a stream with a request's head. Throws what Node does. */
export function request(
  session: ClientHttp2Session,
  head: RequestHead,
  body: RequestBody | undefined,
  scheme: string,
): ClientHttp2Stream {
  const fields = requestFields(head, body, scheme);
  const sensitive = { [http2().sensitiveHeaders]: secrets };
  const options = {
    endStream: body === undefined,
    // Else Node ends a request properly before it resets it, and what was cut looks whole.
    waitForTrailers: body !== undefined,
  };
  try {
    return session.request({ ...fields, ...sensitive }, options);
  } catch (error) {
    // Names that Node thinks to have one value may come several times: then in one line.
    if (codeOf(error) !== 'ERR_HTTP2_HEADER_SINGLE_VALUE') throw error;
    return session.request({ ...joined(fields), ...sensitive }, options);
  }
}

/** Whether a session has no stream left: there are 2³⁰ of them. */
export const isExhausted = (error: unknown): boolean => codeOf(error) === 'ERR_HTTP2_OUT_OF_STREAMS';

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
