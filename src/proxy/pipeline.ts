import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import util from 'node:util';
import type Server from 'http-proxy';
import type { Upstream } from './routes.ts';
import type { Session } from './session.ts';

// What the package's types lack: a way to put a pass before the stock ones, and our session among the options.
declare module 'http-proxy' {
  interface ServerOptions {
    session?: Session;
  }
}
type WebPass = (
  req: IncomingMessage,
  res: ServerResponse,
  options: Server.ServerOptions,
  head: Buffer | undefined,
  server: Server,
) => boolean;
type PassList = { before(type: 'web', pass: 'deleteLength', ours: WebPass): void };
type Target = { protocol: string; host: string; hostname: string; port: number };

/** What the pipeline calls back: ours to forward a request, ours to mend an upgrade, ours to answer a failure. */
export type PipelineSteps = {
  forward(req: IncomingMessage, res: ServerResponse, session: Session, fail: (error: unknown) => void): void;
  mendUpgrade(proxyReq: ClientRequest, req: IncomingMessage, socket: Socket, session: Session): void;
  onError(error: unknown, session: Session, to: ServerResponse | Socket): void;
};

export type Pipeline = {
  web(req: IncomingMessage, res: ServerResponse, session: Session, upstream: Upstream): void;
  ws(req: IncomingMessage, socket: Duplex, head: Buffer, session: Session, upstream: Upstream): void;
};

// http-proxy takes `util._extend` when it loads, and Node 22 warns of each call (DEP0060).
Object.assign(util, { _extend: Object.assign });
const { default: httpProxy } = await import('http-proxy');

/**
 * http-proxy's pipeline with our pass in front. The pass returns true, which ends the pipeline: the stock web
 * passes mishandle framing and aborts, and none of them runs. Upgrades go through the stock passes.
 */
export function createPipeline(steps: PipelineSteps): Pipeline {
  const sessions = new WeakMap<IncomingMessage, Session>();
  const server = httpProxy.createProxyServer({ ignorePath: true, toProxy: true });

  const stream: WebPass = (req, res, options, _head, self) => {
    const { session } = options;
    if (session === undefined) return false;
    steps.forward(req, res, session, (error) => self.emit('error', error, req, res, options.target));
    return true;
  };
  (server as unknown as PassList).before('web', 'deleteLength', stream);

  server.on('proxyReqWs', (proxyReq, req, socket, options) => {
    // http-proxy listens for errors only after this event.
    proxyReq.on('error', () => {});
    if (options.session !== undefined) steps.mendUpgrade(proxyReq, req, socket, options.session);
  });
  server.on('error', (error, req, to) => {
    const session = sessions.get(req);
    if (session !== undefined) steps.onError(error, session, to);
  });

  return {
    web(req, res, session, upstream) {
      sessions.set(req, session);
      server.web(req, res, { target: targetOf(upstream), session });
    },
    ws(req, socket, head, session, upstream) {
      sessions.set(req, session);
      // Node acts on these two before the head is rewritten: it sends the head at once for Expect, and takes the
      // name to verify a certificate against from Host.
      const headers = { expect: '', host: upstream.url.host };
      server.ws(req, socket, head, { target: targetOf(upstream), session, headers });
    },
  };
}

const targets = new WeakMap<Upstream, Target>();

/** The upstream in http-proxy's words, made once: given a string it would parse it for every request. */
function targetOf(upstream: Upstream): Target {
  let target = targets.get(upstream);
  if (target === undefined) {
    const { protocol, hostname, port } = upstream.url;
    const host = hostname.replace(/^\[|\]$/g, '');
    const defaultPort = protocol === 'https:' ? 443 : 80;
    target = { protocol, host, hostname: host, port: port === '' ? defaultPort : Number(port) };
    targets.set(upstream, target);
  }
  return target;
}
