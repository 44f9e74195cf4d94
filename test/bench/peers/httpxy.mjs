import http from 'node:http';
import { createProxyServer } from 'httpxy';

// As http-proxy is run here: connections to the upstream are kept. Takes the upstream's URL, prints its port.

const agent = new http.Agent({ keepAlive: true, maxSockets: 1024, maxFreeSockets: 1024 });
const proxy = createProxyServer({ target: process.argv[2], agent });

const server = http.createServer((req, res) => {
  proxy.web(req, res).catch(() => res.destroy());
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
