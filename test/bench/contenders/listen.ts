import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import { portOf } from '../place.ts';

/** A server that speaks TLS where the second argument names the folder of a certificate. Prints its port. */
export function listenAsTold(listener: http.RequestListener): http.Server {
  const [folder = ''] = process.argv.slice(3);
  const server =
    folder === ''
      ? http.createServer(listener)
      : https.createServer(
          { cert: readFileSync(join(folder, 'cert.pem')), key: readFileSync(join(folder, 'key.pem')) },
          listener,
        );
  server.listen(0, '127.0.0.1', () => console.log(portOf(server)));
  return server;
}
