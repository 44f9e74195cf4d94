import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Test } from 'tap';

/** An upstream over TLS, and what it saw of each connection whose handshake it was content with. */
export type TlsUpstream = {
  port: number;
  url: string;
  seen: {
    servername: string | false;
    protocol: string | null;
    resumed: boolean;
    client: unknown;
  }[];
  /** Its connections end with the answer under way. */
  server: https.Server;
};

export async function startTlsUpstream(
  t: Pick<Test, 'teardown'>,
  options: https.ServerOptions,
  answer: Parameters<typeof https.createServer>[1] = (_req, res) => res.end('ok'),
): Promise<TlsUpstream> {
  const seen: TlsUpstream['seen'] = [];
  const server = https.createServer(options, answer);
  server.on('secureConnection', (socket: TLSSocket) => {
    const subject = socket.getPeerCertificate()?.subject;
    seen.push({
      servername: socket.servername ?? false,
      protocol: socket.getProtocol(),
      resumed: socket.isSessionReused(),
      client: subject?.CN,
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, url: `https://127.0.0.1:${port}`, seen, server };
}
