import { isIP } from 'node:net';
import { Redis } from 'ioredis';

export type Connection = {
  client: Redis;
  /** Settles when commands can be sent. */
  ready: Promise<void>;
  /** Who is told when anything goes wrong, at once if it has already; one at a time. */
  onFailure(listener: (error: Error) => void): void;
  /** Says that something went wrong. */
  fail: (error: Error) => void;
  close(): void;
};

/**
 * Opens a connection to Redis that is never made anew. `gone` is called when it has ended, whoever ended it.
 * `connectTimeout` is in milliseconds.
 */
export function connect(url: URL, connectTimeout: number, gone: () => void): Connection {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const client = new Redis({
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
  let failure: Error | undefined;
  let tell: (error: Error) => void = noop;
  const fail = (error: Error): void => {
    failure ??= error;
    tell(failure);
  };
  client.on('error', fail);
  client.on('end', () => {
    fail(new Error('the connection was closed'));
    gone();
  });
  const ready = greet(client, url);
  ready.catch(noop);
  return {
    client,
    ready,
    onFailure(listener) {
      tell = listener;
      if (failure !== undefined) listener(failure);
    },
    fail,
    close() {
      client.disconnect();
      // A server that hangs would hold the socket open.
      (client.stream as typeof client.stream | undefined)?.destroy();
    },
  };
}

async function greet(client: Redis, url: URL): Promise<void> {
  await client.connect();
  const [user, password] = [decoded(url.username), decoded(url.password)];
  if (password !== '')
    await (user === '' ? client.auth(password) : client.auth(user, password)).catch((error: Error) => {
      // A password more than is needed does no harm.
      if (!/without any password configured|no password is set/.test(error.message)) throw error;
    });
  const database = Number(url.pathname.slice(1));
  if (database > 0) await client.select(database);
}

/** An error of this connection for people: without the password. */
export function explained(error: unknown, { password }: URL): Error {
  const { message = '', code = '' } = error as { message?: string; code?: string };
  let text = message || code || String(error);
  for (const secret of [password, decoded(password)])
    if (secret !== '') text = text.replaceAll(secret, '***');
  return new Error(
    /WRONGPASS|NOAUTH|NOPERM|invalid password/.test(text)
      ? `Redis refuses the user or the password in flags.store: ${text}`
      : text,
  );
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
