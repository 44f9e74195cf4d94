import proxy from '@fastify/http-proxy';
import fastify from 'fastify';

// @fastify/http-proxy as its documentation has it, with room for as many connections as the others. No log. Takes the
// upstream's URL, prints its port.

const server = fastify();
await server.register(proxy, { upstream: process.argv[2], undici: { connections: 1024, pipelining: 1 } });
await server.listen({ host: '127.0.0.1', port: 0 });
console.log(server.server.address().port);
