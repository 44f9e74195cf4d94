import http from 'node:http';
import https from 'node:https';
import { isIPv6, type Socket } from 'node:net';
import tls from 'node:tls';

// The SDK gives its posts no time limit. Its stream has one of five minutes, which goes before this.
const timeout = 30_000;

type Target = tls.ConnectionOptions & { host: string; port: number };
type Connected = (error: Error | null, socket?: Socket) => void;

/**
 * The connections of the SDK: with `proxy`, each through a tunnel that this HTTP proxy makes. Certificates are
 * always checked: left alone, the SDK's stream takes any, with or without a proxy, and its proxy agent cannot be
 * told otherwise. `release` cuts what is open and lets nothing new begin.
 */
export function sdkAgent(
  secure: boolean,
  proxy: URL | undefined,
): { agent: http.Agent; release: () => void } {
  const released = new AbortController();
  const options = { keepAlive: true, timeout };
  const agent = secure ? new https.Agent({ ...options, rejectUnauthorized: true }) : new http.Agent(options);
  if (proxy !== undefined)
    Object.assign(agent, {
      createConnection: (target: Target, connected: Connected): void =>
        tunnel(proxy, target, released.signal, (error, socket) => {
          if (error || socket === undefined || !secure) connected(error, socket);
          else connected(null, tls.connect({ ...target, socket }));
        }),
    });
  return {
    agent,
    release() {
      released.abort();
      agent.maxSockets = 0; // What the SDK tries again now waits for a socket that never comes.
      agent.destroy();
    },
  };
}

function tunnel(proxy: URL, { host, port }: Target, signal: AbortSignal, connected: Connected): void {
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const { protocol, hostname, username, password } = proxy;
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const request = (protocol === 'https:' ? https : http).request({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port || (protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      ...(username && { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` }),
    },
    agent: false,
    timeout,
    signal,
  });
  request.once('connect', ({ statusCode }, socket: Socket) => {
    if (statusCode === 200) {
      connected(null, socket);
      return;
    }
    socket.destroy();
    connected(new Error(`the proxy ${proxy.host} answered ${statusCode} to CONNECT ${authority}`));
  });
  request.once('response', ({ statusCode }) => {
    request.destroy(new Error(`the proxy ${proxy.host} answered ${statusCode} to CONNECT ${authority}`));
  });
  request.once('timeout', () => request.destroy(new Error(`the proxy ${proxy.host} does not answer`)));
  request.once('error', connected);
  request.end();
}
