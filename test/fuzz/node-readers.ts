import http, { type IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';

/** Both ends of Node's own HTTP, fed with bytes: a second opinion on a message. Undefined when it takes it for none. */

export type NodeRequest = { method: string | undefined; url: string | undefined; body: string };
export type NodeAnswer = { status: number | undefined; body: string };

/** Milliseconds after which a reader that has all bytes does not decide any more. */
const undecided = 500;

const wire = (text: string): Duplex => {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(), emitClose: true });
  stream.on('error', () => {});
  if (text !== '') stream.push(Buffer.from(text, 'latin1'));
  return stream;
};

/** The text of a message, once it is whole. */
function bodyOf(message: IncomingMessage, done: (body: string | undefined) => void): void {
  let body = '';
  message.setEncoding('latin1');
  message.on('data', (chunk) => (body += String(chunk)));
  message.on('error', () => done(undefined));
  message.on('close', () => done(message.complete ? body : undefined));
  message.on('end', () => done(message.complete ? body : undefined));
}

type Settle = (request: NodeRequest | undefined) => void;
const waiting = new WeakMap<object, Settle>();
const server = http.createServer({ insecureHTTPParser: false, maxHeaderSize: 128 * 1024 });
server.maxHeadersCount = 0;
const serve = (req: IncomingMessage, res: http.ServerResponse) => {
  const settle = waiting.get(req.socket);
  const { method, url } = req;
  bodyOf(req, (body) => settle?.(body === undefined ? undefined : { method, url, body }));
  res.on('error', () => {});
};
server.on('request', serve).on('checkContinue', serve).on('checkExpectation', serve);
server.on('clientError', (_error, socket) => waiting.get(socket)?.(undefined));

export function readAsNodeServer(text: string): Promise<NodeRequest | undefined> {
  return new Promise((resolve) => {
    const stream = wire(text);
    const settle: Settle = (request) => {
      clearTimeout(timer);
      resolve(request);
      stream.destroy();
    };
    const timer = setTimeout(() => settle(undefined), undecided);
    waiting.set(stream, settle);
    server.emit('connection', stream);
    stream.push(null);
  });
}

export function readAsNodeClient(text: string, method: string): Promise<NodeAnswer | undefined> {
  return new Promise((resolve) => {
    const stream = wire('');
    const settle = (answer: NodeAnswer | undefined) => {
      clearTimeout(timer);
      resolve(answer);
      stream.destroy();
    };
    const timer = setTimeout(() => settle(undefined), undecided);
    const req = http.request({
      method,
      createConnection: () => stream,
      maxHeaderSize: 128 * 1024,
      insecureHTTPParser: false,
    });
    req.on('error', () => settle(undefined));
    req.on('response', (res) =>
      bodyOf(res, (body) => settle(body === undefined ? undefined : { status: res.statusCode, body })),
    );
    req.end();
    stream.push(Buffer.from(text, 'latin1'));
    stream.push(null);
  });
}
