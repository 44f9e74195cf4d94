import { WebSocketServer } from 'ws';
import { listenAsTold } from './listen.ts';

// The upstream of WebSockets: says back what it is told. Prints its port.

const server = listenAsTold((_req, res) => res.end());
new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
  socket.on('message', (message, binary) => socket.send(message, { binary }));
  socket.on('error', () => socket.terminate());
});
