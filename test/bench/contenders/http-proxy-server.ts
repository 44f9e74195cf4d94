import http from 'node:http';
import httpProxy from 'http-proxy';
import { listenAsTold } from './listen.ts';

// http-proxy as most people run it when they care: connections to the upstream are kept. It decides and logs
// nothing. Takes the upstream's URL and, for TLS, the folder of a certificate; prints its port.

const agent = new http.Agent({ keepAlive: true, maxSockets: 1024, maxFreeSockets: 1024 });
const proxy = httpProxy.createProxyServer({ target: process.argv[2] ?? '', agent });
proxy.on('error', (_error, _req, res) => void res.destroy());

const server = listenAsTold((req, res) => proxy.web(req, res));
server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head));
