import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import tls from 'node:tls';
import { selfSigned } from '../support/self-signed.ts';
import { certificate } from '../support/tls-way.ts';
import type { Field } from '../support/frames.ts';
import { openHttp1 } from './http1-client.ts';
import { openHttp2 } from './http2-client.ts';

/** A way for clients to come in. */
export type Door = {
  name: string;
  http2: boolean;
  tls: boolean;
  /** The configuration that opens it, with `files` beside it. */
  listen: string;
  files: Readonly<Record<string, string>>;
  /** A connection for bytes. */
  connect: (port: number) => Promise<Socket>;
  /** A connection for what is well-formed. */
  open: (port: number) => Promise<Connection>;
};

/** A client's connection. HTTP/1.1 takes its requests one after the other. */
export type Connection = {
  ask: (ask?: Ask) => Asking;
  /** Waits until the proxy has ended it. */
  ended: () => Promise<void>;
  /** Leaves without a word. */
  destroy: () => void;
};

export type Ask = {
  method?: string;
  path?: string;
  /** What Host or `:authority` says. */
  host?: string;
  fields?: readonly Field[];
  /** A whole body; 'later': one that comes by `send` and `end`. Without a length it is framed as the protocol can. */
  body?: string;
  /** Asks for a WebSocket. What is sent then are the tunnel's bytes, both before and after it is open. */
  webSocket?: boolean;
};

/** Fields as they came, names in lower case. */
export type Head = { status: number; fields: Field[] };
export type Answered = Head & {
  informational: Head[];
  body: string;
  trailers: Field[];
  /** Whether it ended as an answer ends. */
  clean: boolean;
};

/** A request, and what comes back. Text is latin1. */
export type Asking = {
  send: (bytes: string) => void;
  end: (trailers?: readonly Field[]) => void;
  /** The final head; a WebSocket's is a tunnel's when `isOpen` says so. */
  head: () => Promise<Head>;
  isOpen: () => boolean;
  informational: Head[];
  /** What came of the body so far; undefined before a head. */
  body: () => string;
  gets: (text: string) => Promise<void>;
  /** Waits for the end, whichever way it ends. */
  done: () => Promise<Answered>;
  /** Gives the request up: its connection with HTTP/1.1, its stream alone with HTTP/2. */
  leave: () => void;
  /** Reads no further, until `resume`. */
  pause: () => void;
  resume: () => void;
  /** Bytes that are still to be sent. */
  unsent: () => number;
};

async function connectPlain(port: number, allowHalfOpen: boolean): Promise<Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen });
  await once(socket, 'connect');
  return socket;
}

async function connectTls(port: number, allowHalfOpen: boolean, protocol: string): Promise<Socket> {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    ca: selfSigned.cert,
    ALPNProtocols: [protocol],
    allowHalfOpen,
  } as tls.ConnectionOptions);
  await once(socket, 'secureConnect');
  socket.setNoDelay(true);
  if (socket.alpnProtocol !== protocol)
    throw new Error(`${protocol} was not agreed on: ${socket.alpnProtocol}`);
  return socket;
}

function door(name: string, http2: boolean, overTls: boolean): Door {
  const connect = (port: number, allowHalfOpen: boolean) =>
    overTls ? connectTls(port, allowHalfOpen, http2 ? 'h2' : 'http/1.1') : connectPlain(port, allowHalfOpen);
  return {
    name,
    http2,
    tls: overTls,
    listen: `listen: { address: "127.0.0.1:0", http2: ${http2}${overTls ? `, ${certificate.keys}` : ''} }\n`,
    files: overTls ? certificate.files : {},
    connect: (port) => connect(port, false),
    // A tunnel has two ends.
    open: async (port) => (http2 ? openHttp2 : openHttp1)(await connect(port, true)),
  };
}

export const doors = {
  http1: door('HTTP/1.1', false, false),
  http1OverTls: door('HTTP/1.1 over TLS', false, true),
  http2: door('HTTP/2 with prior knowledge', true, false),
  http2OverTls: door('HTTP/2 over TLS', true, true),
} as const;

/** The values of a field, in order. */
export const valuesOf = (fields: readonly Field[], name: string): string[] =>
  fields.flatMap(([one, value]) => (one === name ? [value] : []));
