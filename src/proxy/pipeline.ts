import type { Duplex } from 'node:stream';
import httpProxy from 'http-proxy';
import type { Request, Response } from './message.ts';
import type { Upstream } from './routes.ts';
import type { Session } from './session.ts';

// The package's types lack a way to put a pass before the stock ones.
type Pass = (
  req: Request,
  to: unknown,
  options: { target?: unknown },
  head: Buffer | undefined,
  server: ProxyServer,
) => boolean;
/** What of it is used: none of its own passes runs, which alone need Node's objects. */
type ProxyServer = {
  before(type: 'web', pass: 'deleteLength', ours: Pass): void;
  before(type: 'ws', pass: 'checkMethodAndHeader', ours: Pass): void;
  web(req: Request, res: Response): void;
  ws(req: Request, tunnel: Duplex, head: Buffer): void;
  emit(event: 'error', error: unknown, req: Request, res: Response, to: unknown): boolean;
  on(event: 'error', listener: (error: unknown, req: Request) => void): void;
};

/** What the pipeline calls back: ours to forward a request, and ours to answer a failure. */
export type PipelineSteps = {
  forward(req: Request, res: Response, session: Session, fail: (error: unknown) => void): void;
  onError(error: unknown, session: Session, res: Response): void;
};

/** Sends a decided request on its way, as an ordinary one or as an upgrade. */
export type Pipeline = (req: Request, res: Response, session: Session, upstream: Upstream) => void;

const noHead = Buffer.alloc(0);

/**
 * http-proxy's pipeline with our pass in front. The pass returns true, which ends the pipeline: the stock passes
 * mishandle framing, aborts and upgrades, and none of them runs. Its `error` event is the one way of failure.
 */
export function createPipeline(steps: PipelineSteps): Pipeline {
  const servers = new WeakMap<Upstream, ProxyServer>();
  const failed = new WeakMap<object, UnderWay>();
  /** What the pass is to forward: it is called before `web` and `ws` return. */
  let current: UnderWay | undefined;

  const stream: Pass = (req, _to, { target }, _head, self) => {
    const underWay = current;
    if (underWay === undefined) return true;
    current = undefined;
    const { session, response } = underWay;
    steps.forward(req, response, session, (error) => {
      failed.set(req, underWay);
      self.emit('error', error, req, response, target);
    });
    return true;
  };

  /**
   * One for each upstream. Options that come with a request are copied for it, by a function that Node warns of since
   * version 22 (DEP0060).
   */
  function serverFor(upstream: Upstream): ProxyServer {
    const { protocol, hostname, port } = upstream.url;
    const target = { protocol, host: hostname, port };
    const server = httpProxy.createProxyServer({ ignorePath: true, target }) as unknown as ProxyServer;
    server.before('web', 'deleteLength', stream);
    server.before('ws', 'checkMethodAndHeader', stream);
    server.on('error', (error, req) => {
      const found = failed.get(req);
      if (found !== undefined) steps.onError(error, found.session, found.response);
    });
    servers.set(upstream, server);
    return server;
  }

  return (req, response, session, upstream) => {
    const server = servers.get(upstream) ?? serverFor(upstream);
    current = { session, response };
    if (session.upgrading) server.ws(req, response.tunnel, noHead);
    else server.web(req, response);
  };
}

type UnderWay = { session: Session; response: Response };
