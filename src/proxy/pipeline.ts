import type { Duplex } from 'node:stream';
import util from 'node:util';
import type Server from 'http-proxy';
import type { Request, Response } from './message.ts';
import type { Upstream } from './routes.ts';
import type { Session } from './session.ts';

// What the package's types lack: a way to put a pass before the stock ones, and ours among the options.
declare module 'http-proxy' {
  interface ServerOptions {
    session?: Session;
    response?: Response;
  }
}
type Pass = (
  req: Request,
  to: unknown,
  options: Server.ServerOptions,
  head: Buffer | undefined,
  server: ProxyServer,
) => boolean;
/** What of it is used: none of its own passes runs, which alone need Node's objects. */
type ProxyServer = {
  before(type: 'web', pass: 'deleteLength', ours: Pass): void;
  before(type: 'ws', pass: 'checkMethodAndHeader', ours: Pass): void;
  web(req: Request, res: Response, options: Server.ServerOptions): void;
  ws(req: Request, tunnel: Duplex, head: Buffer, options: Server.ServerOptions): void;
  emit(event: 'error', error: unknown, req: Request, res: Response, to: unknown): boolean;
  on(event: 'error', listener: (error: unknown, req: Request) => void): void;
};
type Target = { protocol: string; host: string; port: string };

/** What the pipeline calls back: ours to forward a request, and ours to answer a failure. */
export type PipelineSteps = {
  forward(req: Request, res: Response, session: Session, fail: (error: unknown) => void): void;
  onError(error: unknown, session: Session, res: Response): void;
};

/** Sends a decided request on its way, as an ordinary one or as an upgrade. */
export type Pipeline = (req: Request, res: Response, session: Session, upstream: Upstream) => void;

// http-proxy takes `util._extend` as it loads, and calls it for each request, of which Node warns since version 22 (DEP0060). While
// it loads, what Node recommends instead stands in its place; all others find Node's own, and its warning.
const { _extend } = util as { _extend?: unknown };
Object.assign(util, { _extend: Object.assign });
const { default: httpProxy } = await import('http-proxy');
Object.assign(util, { _extend });

const noHead = Buffer.alloc(0);

/**
 * http-proxy's pipeline with our pass in front. The pass returns true, which ends the pipeline: the stock passes
 * mishandle framing, aborts and upgrades, and none of them runs. Its `error` event is the one way of failure.
 */
export function createPipeline(steps: PipelineSteps): Pipeline {
  const failed = new WeakMap<object, { session: Session; response: Response }>();
  const server = httpProxy.createProxyServer({ ignorePath: true }) as unknown as ProxyServer;

  const stream: Pass = (req, _to, { session, response, target }, _head, self) => {
    if (session === undefined || response === undefined) return false;
    steps.forward(req, response, session, (error) => {
      failed.set(req, { session, response });
      self.emit('error', error, req, response, target);
    });
    return true;
  };
  server.before('web', 'deleteLength', stream);
  server.before('ws', 'checkMethodAndHeader', stream);

  server.on('error', (error, req) => {
    const found = failed.get(req);
    if (found !== undefined) steps.onError(error, found.session, found.response);
  });

  return (req, response, session, upstream) => {
    const options = { target: targetOf(upstream), session, response };
    if (session.upgrading) server.ws(req, response.tunnel, noHead, options);
    else server.web(req, response, options);
  };
}

const targets = new WeakMap<Upstream, Target>();

/** The upstream in http-proxy's words, made once: given a string it would parse it for every request. */
function targetOf(upstream: Upstream): Target {
  let target = targets.get(upstream);
  if (target === undefined) {
    const { protocol, hostname, port } = upstream.url;
    target = { protocol, host: hostname, port };
    targets.set(upstream, target);
  }
  return target;
}
