import type { ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import { listenAsTold } from './listen.ts';

// The least that forwards with the same parts as ours: Node's server and undici's dispatch. It decides and logs
// nothing, and does none of a proxy's duties. Takes the upstream's URL and, for TLS, the folder of a certificate; prints
// its port.

const pool = new Pool(process.argv[2] ?? '', { connections: 1024, pipelining: 1 });

function relayTo(res: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onConnect() {},
    onHeaders(status, headers) {
      res.writeHead(status, headers.map(String));
      return true;
    },
    // Written to after its client has gone, a response throws.
    onData: (chunk) => res.destroyed || res.write(chunk),
    onComplete: () => void res.end(),
    onError: () => void res.destroy(),
  };
}

listenAsTold((req, res) => {
  const { method = 'GET', url = '/', rawHeaders } = req;
  pool.dispatch({ method, path: url, headers: rawHeaders }, relayTo(res));
});
