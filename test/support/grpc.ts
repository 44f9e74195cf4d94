import grpc from '@grpc/grpc-js';
import type { Test } from 'tap';

/** Messages are bytes as they are: the wire is what is tested, and needs no description of them. */
const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/fact.Facts/${name}`,
  requestStream,
  responseStream,
  requestSerialize: bytes.serialize,
  requestDeserialize: bytes.deserialize,
  responseSerialize: bytes.serialize,
  responseDeserialize: bytes.deserialize,
});

export const methods = {
  unary: method('Unary', false, false),
  collect: method('Collect', true, false),
  list: method('List', false, true),
  chat: method('Chat', true, true),
};

type Call = grpc.ServerUnaryCall<Buffer, Buffer>;
type Handlers = {
  unary?: (call: Call, callback: grpc.sendUnaryData<Buffer>) => void;
  collect?: (call: grpc.ServerReadableStream<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>) => void;
  list?: (call: grpc.ServerWritableStream<Buffer, Buffer>) => void;
  chat?: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => void;
};

export type GrpcUpstream = { url: string; server: grpc.Server; calls: () => number };

/** A server of @grpc/grpc-js. What is not given a handler echoes. */
export async function startGrpc(t: Pick<Test, 'teardown'>, handlers: Handlers = {}): Promise<GrpcUpstream> {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  let calls = 0;
  const counted = <A extends unknown[]>(handler: (...args: A) => void) => {
    return (...args: A) => {
      calls += 1;
      handler(...args);
    };
  };
  server.addService(methods, {
    unary: counted(handlers.unary ?? ((call: Call, callback) => callback(null, call.request))),
    collect: counted(
      handlers.collect ??
        ((call: grpc.ServerReadableStream<Buffer, Buffer>, callback) => {
          const pieces: Buffer[] = [];
          call.on('data', (piece: Buffer) => pieces.push(piece));
          call.on('end', () => callback(null, Buffer.concat(pieces)));
        }),
    ),
    list: counted(
      handlers.list ??
        ((call: grpc.ServerWritableStream<Buffer, Buffer>) => {
          for (const byte of call.request) call.write(Buffer.from([byte]));
          call.end();
        }),
    ),
    chat: counted(
      handlers.chat ??
        ((call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
          call.on('data', (message: Buffer) => call.write(message)).on('end', () => call.end());
        }),
    ),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  t.teardown(() => server.forceShutdown());
  return { url: `http://127.0.0.1:${port}`, server, calls: () => calls };
}

const FactsClient = grpc.makeGenericClientConstructor(methods, 'Facts');

/** What came of a call. */
export type Called = {
  messages: Buffer[];
  code: number;
  details: string;
  headers: Record<string, unknown>;
  trailers: Record<string, unknown>;
};

export type GrpcClient = {
  client: grpc.Client;
  /** A call of one message, as `uid` where one is given. */
  unary: (message: Buffer | string, options?: CallOptions) => Promise<Called>;
  collect: (messages: (Buffer | string)[], options?: CallOptions) => Promise<Called>;
  list: (message: Buffer | string, options?: CallOptions) => Promise<Called>;
  /** A call of which both ways are the test's. */
  chat: (options?: CallOptions) => grpc.ClientDuplexStream<Buffer, Buffer>;
};

export type CallOptions = { metadata?: Record<string, string>; deadline?: number };

/** What a call is begun with. */
const told = ({ metadata = {}, deadline }: CallOptions = {}): [grpc.Metadata, grpc.CallOptions] => {
  const sent = new grpc.Metadata();
  for (const [name, value] of Object.entries(metadata)) sent.add(name, value);
  return [sent, deadline === undefined ? {} : { deadline: Date.now() + deadline }];
};

/** A client of @grpc/grpc-js, with one connection of its own. */
export function grpcClient(
  t: Pick<Test, 'teardown'>,
  port: number,
  credentials: grpc.ChannelCredentials = grpc.credentials.createInsecure(),
): GrpcClient {
  const client = new FactsClient(`127.0.0.1:${port}`, credentials, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_receive_message_length': -1,
    'grpc.enable_retries': 0,
  });
  t.teardown(() => client.close());
  const { unary, collect, list, chat } = methods;
  return {
    client,
    unary: (message, options) => {
      const [metadata, more] = told(options);
      return one((callback) =>
        client.makeUnaryRequest(
          unary.path,
          bytes.serialize,
          bytes.deserialize,
          Buffer.from(message),
          metadata,
          more,
          callback,
        ),
      );
    },
    collect: (messages, options) => {
      const [metadata, more] = told(options);
      return one((callback) => {
        const call = client.makeClientStreamRequest(
          collect.path,
          bytes.serialize,
          bytes.deserialize,
          metadata,
          more,
          callback,
        );
        for (const message of messages) call.write(Buffer.from(message));
        call.end();
        return call;
      });
    },
    list: (message, options) => {
      const [metadata, more] = told(options);
      return all(
        client.makeServerStreamRequest(
          list.path,
          bytes.serialize,
          bytes.deserialize,
          Buffer.from(message),
          metadata,
          more,
        ),
      );
    },
    chat: (options) =>
      client.makeBidiStreamRequest(chat.path, bytes.serialize, bytes.deserialize, ...told(options)),
  };
}

type Emitter = {
  on(event: 'metadata', listener: (metadata: grpc.Metadata) => void): unknown;
  on(event: 'status', listener: (status: grpc.StatusObject) => void): unknown;
};

function one(begin: (callback: grpc.requestCallback<Buffer>) => Emitter): Promise<Called> {
  return new Promise((resolve) => {
    const messages: Buffer[] = [];
    const call = begin((_error, message) => void (message !== undefined && messages.push(message)));
    gather(call, messages, resolve);
  });
}

/** What a call of many messages came to. */
export function all(call: grpc.ClientReadableStream<Buffer>): Promise<Called> {
  return new Promise((resolve) => {
    const messages: Buffer[] = [];
    call.on('data', (message: Buffer) => messages.push(message)).on('error', () => {});
    gather(call, messages, resolve);
  });
}

function gather(call: Emitter, messages: Buffer[], done: (called: Called) => void): void {
  let headers: Record<string, unknown> = {};
  call.on('metadata', (metadata) => (headers = metadata.getMap()));
  call.on('status', ({ code, details, metadata }) =>
    // The message of a unary call is told after its status.
    setImmediate(() => done({ messages, code, details, headers, trailers: metadata.getMap() })),
  );
}

export const { status, Metadata } = grpc;
