import type { IncomingMessage, ServerResponse } from 'node:http';
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
  server: Server,
) => boolean;
type PassList = {
  before(type: 'web', pass: 'deleteLength', ours: Pass): void;
  before(type: 'ws', pass: 'checkMethodAndHeader', ours: Pass): void;
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
  const server = httpProxy.createProxyServer({ ignorePath: true });

  const stream: Pass = (req, _to, { session, response, target }, _head, self) => {
    if (session === undefined || response === undefined) return false;
    steps.forward(req, response, session, (error) => {
      failed.set(req, { session, response });
      self.emit(
        'error',
        error,
        req as unknown as IncomingMessage,
        response as unknown as ServerResponse,
        target,
      );
    });
    return true;
  };
  const passes = server as unknown as PassList;
  passes.before('web', 'deleteLength', stream);
  passes.before('ws', 'checkMethodAndHeader', stream);

  server.on('error', (error, req) => {
    const found = failed.get(req);
    if (found !== undefined) steps.onError(error, found.session, found.response);
  });

  return (req, response, session, upstream) => {
    const options = { target: targetOf(upstream), session, response };
    // All that its own passes would need is Node's; ours are given what they know.
    const [its, way] = [req as unknown as IncomingMessage, response as unknown as ServerResponse];
    if (session.upgrading) server.ws(its, response.tunnel, noHead, options);
    else server.web(its, way, options);
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
