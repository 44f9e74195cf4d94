import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import { printable } from './config/errors.ts';

/** A connection to Redis. */
export type Connection = {
  client: Redis;
  /** Tells that something went wrong on it, so that the operation under way fails with this. */
  fail: (error: Error) => void;
};

type Line<On> = {
  on: On;
  client: Redis;
  ready: Promise<void>;
  failed: (tell: (error: Error) => void) => void;
};

/**
 * Redis at an address, `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, over TLS with `rediss`. Nothing is opened before the
 * first `run`.
 *
 * Every operation settles within `deadline` milliseconds, a connection included, on a connection that stands within
 * `answer`, and rejects with an Error whose message is for people and holds no password. One operation at a time. One that fails or comes late costs its connection, and the
 * next makes another: nothing is tried again behind our back, and nothing that hangs is kept.
 *
 * `prepare` makes of a connection what operations are given. `lost` is called when a connection ends by itself.
 */
export function openRedis<On>(
  url: URL,
  { deadline, answer = deadline }: { deadline: number; answer?: number },
  prepare: (connection: Connection) => On,
  lost: () => void = noop,
) {
  let current: Line<On> | undefined;

  const open = (): Line<On> => {
    const client = clientFor(url, deadline);
    let failure: Error | undefined;
    let tell: (error: Error) => void = noop;
    const fail = (error: Error): void => {
      failure ??= error;
      tell(failure);
    };
    client.on('error', fail);
    client.on('end', () => {
      fail(new Error('the connection was closed'));
      if (current?.client !== client) return;
      current = undefined;
      lost();
    });
    const ready = greet(client, url, fail);
    ready.catch(noop);
    return {
      on: prepare({ client, fail }),
      client,
      ready,
      failed(listener) {
        tell = listener;
        if (failure !== undefined) listener(failure);
      },
    };
  };

  const close = (): void => {
    const closing = current;
    current = undefined;
    closing?.client.disconnect();
    // A server that hangs would hold the socket open.
    closing?.client.stream?.destroy();
  };

  return {
    run: async <Result>(operation: (on: On) => Promise<Result>): Promise<Result> => {
      const line = (current ??= open());
      let timer: NodeJS.Timeout | undefined;
      try {
        // A race with a promise of the connection would leave something behind on it each time.
        return await new Promise<Result>((resolve, reject) => {
          const within = line.client.status === 'ready' ? answer : deadline;
          timer = setTimeout(() => reject(new Error(`no answer within ${within} ms`)), within);
          line.failed(reject);
          line.ready.then(() => operation(line.on)).then(resolve, reject);
        });
      } catch (error) {
        if (current === line) close();
        throw explained(error, url);
      } finally {
        clearTimeout(timer);
      }
    },
    close,
  };
}

/** A client that never connects anew. */
function clientFor(url: URL, connectTimeout: number): Redis {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Redis({
    host,
    port: Number(url.port || 6379),
    ...(url.protocol === 'rediss:' && { tls: isIP(host) ? {} : { servername: host } }),
    lazyConnect: true,
    connectTimeout,
    retryStrategy: () => null,
    enableOfflineQueue: false,
    disableClientInfo: true,
    // These two write to the console by themselves; `greet` does what is left to do.
    enableReadyCheck: false,
    db: 0,
  });
}

async function greet(client: Redis, url: URL, fail: (error: Error) => void): Promise<void> {
  await client.connect();
  guard(client.stream, fail);
  const [user, password] = [decoded(url.username), decoded(url.password)];
  if (password !== '')
    await (user === '' ? client.auth(password) : client.auth(user, password)).catch((error: Error) => {
      // A password more than is needed does no harm.
      if (!/without any password configured|no password is set/.test(error.message)) throw error;
    });
  const database = Number(url.pathname.slice(1));
  if (database > 0) await client.select(database);
}

/** What the parser of answers throws, on bytes that no Redis would send, would end the process. */
function guard(stream: Redis['stream'], fail: (error: Error) => void): void {
  for (const listener of stream.listeners('data')) {
    stream.off('data', listener as (chunk: Buffer) => void);
    stream.on('data', (chunk: Buffer) => {
      try {
        listener.call(stream, chunk);
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
        stream.destroy();
      }
    });
  }
}

/** Whether Redis will answer so until somebody mends the address, the password or the certificate. */
export const isRefusal = (error: Error): boolean =>
  /WRONGPASS|NOAUTH|NOPERM|invalid password|DB index is out of range|CROSSSLOT|MOVED|certificate|altnames/i.test(
    error.message,
  );

/** An error of a connection for people: without the password. */
function explained(error: unknown, { password }: URL): Error {
  const { message = '', code = '' } = error as { message?: string; code?: string };
  let text = printable(message || code || String(error));
  for (const secret of [password, decoded(password)])
    if (secret !== '') text = text.replaceAll(secret, '***');
  if (/WRONGPASS|NOAUTH|NOPERM|invalid password/.test(text))
    text = `it refuses the user or the password: ${text}`;
  if (/certificate|altnames/i.test(text))
    text = `it is not trusted: ${text}; name the authority of its certificate in NODE_EXTRA_CA_CERTS`;
  return new Error(text, { cause: error });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function noop(): void {
  // Whoever waits is told.
}
