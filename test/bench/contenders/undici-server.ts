import type { ServerResponse } from 'node:http';
import { Pool, type Dispatcher } from 'undici';
import { listenAsTold } from './listen.ts';

// The least that forwards with the same parts as ours: Node's server and undici's dispatch. It decides and logs
// nothing, and does none of a proxy's duties. Takes the upstream's URL and, for TLS, the folder of a certificate; prints
// its port.

const pool = new Pool(process.argv[2] ?? '', { connections: 1024, pipelining: 1 });

function relayTo(res: ServerResponse): Dispatcher.DispatchHandler {
  let resume: () => void;
  return {
    onConnect() {},
    onHeaders(status, headers, more) {
      resume = more;
      res.writeHead(status, headers.map(String));
      return true;
    },
    onData(chunk) {
      // Written to after its client has gone, a response throws.
      if (res.destroyed || res.write(chunk)) return true;
      res.once('drain', resume);
      return false;
    },
    onComplete: () => void res.end(),
    onError: () => void res.destroy(),
  };
}

listenAsTold((req, res) => {
  const { method = 'GET', url = '/', rawHeaders } = req;
  pool.dispatch({ method, path: url, headers: rawHeaders }, relayTo(res));
});
