import http from 'node:http';
import { Client } from 'undici';
import { UpstreamError } from '../../src/upstream/failure.ts';
import { ResponseParser } from '../../src/upstream/response-parser.ts';

/** What a reader made of the answer to a GET whose connection ended after it. `refused` says why there is none. */
export type Reading = {
  status: number;
  headers: string[];
  body: string;
  trailers: string[];
  refused: string | undefined;
};

const refusal = (refused: string): Reading => ({ status: 0, headers: [], body: '', trailers: [], refused });

/** Our own parser, given the bytes piece by piece. */
export function readAsOurs(pieces: readonly string[]): Reading {
  const reading = refusal('incomplete');
  const parser = new ResponseParser({
    onInformational() {},
    onHead(status, _reason, headers) {
      Object.assign(reading, { status, headers });
    },
    onBody: (chunk) => void (reading.body += chunk.toString('latin1')),
  });
  parser.begin({ method: 'GET', protocol: undefined });
  try {
    const complete = pieces.some((piece) => parser.execute(Buffer.from(piece, 'latin1')));
    if (!complete && !parser.end()) return refusal('incomplete');
    return { ...reading, trailers: parser.trailers, refused: undefined };
  } catch (error) {
    if (error instanceof UpstreamError && error.cause instanceof Error) return refusal(error.cause.message);
    throw error;
  }
}

/** Node's client, over a socket of its own. */
export function readAsNode(port: number): Promise<Reading> {
  return new Promise((resolve) => {
    const req = http.get({ host: '127.0.0.1', port, agent: false, maxHeaderSize: 128 * 1024 });
    let answered = false;
    // Past an answer it is about what comes behind it.
    req.on('error', (error) => answered || resolve(refusal(String(error))));
    req.on('upgrade', (_res, socket) => {
      socket.destroy();
      resolve(refusal('an upgrade'));
    });
    req.on('response', (res) => {
      answered = true;
      let body = '';
      res.setEncoding('latin1');
      res.on('data', (chunk) => (body += String(chunk)));
      res.on('error', () => {});
      res.on('close', () => {
        const { statusCode: status = 0, rawHeaders: headers, rawTrailers: trailers } = res;
        resolve(
          res.complete ? { status, headers, body, trailers, refused: undefined } : refusal('incomplete'),
        );
      });
    });
  });
}

/** undici's client, over a socket of its own. */
export async function readAsUndici(port: number): Promise<Reading> {
  const client = new Client(`http://127.0.0.1:${port}`, { maxHeaderSize: 128 * 1024, pipelining: 1 });
  try {
    const res = await client.request({ method: 'GET', path: '/', responseHeaders: 'raw' });
    const body = Buffer.from(await res.body.arrayBuffer()).toString('latin1');
    // It leaves blanks behind some values.
    const headers = (res.headers as unknown as (string | Buffer)[]).map((one) =>
      one.toString('latin1').trim(),
    );
    const trailers = Object.entries(res.trailers).flatMap(([name, values]) =>
      [values].flat().flatMap((value) => [name, value]),
    );
    return { status: res.statusCode, headers, body, trailers, refused: undefined };
  } catch (error) {
    return refusal(String(error));
  } finally {
    void client.destroy();
  }
}
