import { IncomingMessage, ServerResponse, STATUS_CODES, type IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { writeTogether, type Writer } from '../upstream/write-together.ts';
import { copyOf, giveBack } from './copies.ts';
import { headText } from './errors.ts';
import { recordOf } from './header-record.ts';
import { headerRecord, type HeaderList } from './headers.ts';
import { answerHead, reasonOf } from './http1-head.ts';
import { closeLingering } from './lingering-close.ts';
import type { Request, Response } from './message.ts';
import type { Client } from './trust.ts';

/** The one protocol that a connection is handed over to (RFC 6455). */
export const webSocket = 'websocket';

/** A request as Node's parser reads it. */
export class Http1Request extends IncomingMessage implements Request {
  #record: IncomingHttpHeaders | undefined;

  // To its types, what Node has as an accessor is a property.
  static {
    Object.defineProperty(this.prototype, 'headers', {
      get(this: Http1Request) {
        return (this.#record ??= recordOf(this.rawHeaders));
      },
    });
  }

  get stream(): this {
    return this;
  }

  /** Ends a body that is none, so that nobody waits for it: what Nodes from 24 on do by `optimizeEmptyRequests`. */
  endUnread(): void {
    const { _readableState: state } = this as unknown as Unread;
    (this as unknown as Unread)._dumped = true;
    state.ended = state.endEmitted = state.destroyed = state.closed = state.closeEmitted = true;
  }
}

/** What Node has of a body. */
type Unread = {
  _dumped: boolean;
  _readableState: Record<'ended' | 'endEmitted' | 'destroyed' | 'closed' | 'closeEmitted', boolean>;
};

/** Whether this Node ends bodies that are none. */
export const endsEmptyBodies = '_dumpAndCloseReadable' in IncomingMessage.prototype;

/** What Node has of an answer whose head is made: its text, and whether that has gone out. */
type Unsent = {
  _header: string | null;
  _headerSent: boolean;
  _hasBody: boolean;
  _expect_continue: boolean;
  _sent100: boolean;
  /** Whether the connection ends with it. */
  _last: boolean;
};

/** Its answer, as Node writes it. */
export class Http1Response extends ServerResponse<Http1Request> implements Response, Writer {
  /** Milliseconds that its client has to ask more. */
  keepAliveTimeout = 0;
  /** The body of an answer that is written together with others. */
  #held = '';

  /** In the place of Node's, which looks at each field several times. */
  setHead(status: number, reasonPhrase: string | undefined, list: HeaderList): void {
    const own = this as unknown as Unsent;
    if (own._header !== null) throw new Error('an answer has one head');
    const hasBody = own._hasBody && status !== 204 && status !== 304;
    // A client that was not told to go on may send its body all the same.
    if (own._expect_continue && !own._sent100) this.shouldKeepAlive = false;
    const head = answerHead(status, reasonPhrase ?? reasonOf(status), list, {
      hasBody,
      takesChunks: this.useChunkedEncodingByDefault,
      keepAlive: this.shouldKeepAlive,
      keepAliveTimeout: this.keepAliveTimeout,
    });
    this.statusCode = status;
    this.chunkedEncoding = head.chunked;
    own._hasBody = hasBody;
    own._last = head.last;
    own._header = head.text;
  }

  override end(...given: unknown[]): this {
    const [body, encoding] = given;
    const { _header, _headerSent } = this as unknown as Unsent;
    if (typeof body !== 'string' || encoding !== 'latin1' || _header === null || _headerSent)
      return super.end(...(given as []));
    this.#held = body;
    writeTogether(this);
    return this;
  }

  /**
   * Head and body that go out together are one piece. Nodes before 26 put an empty one behind it to be told when it is
   * written, and have the system gather both, which takes longer than all that Node does for the answer.
   */
  writeHeld(): void {
    const body = this.#held;
    this.#held = '';
    if (this.destroyed) return;
    const unsent = this as unknown as Unsent;
    if (unsent._hasBody && body !== '')
      unsent._header += this.chunkedEncoding ? `${body.length.toString(16)}\r\n${body}\r\n` : body;
    super.end();
  }

  writeLent(chunk: Buffer): boolean {
    const copy = copyOf(chunk);
    return this.write(copy, 'latin1', () => giveBack(copy));
  }

  /** Only a reset tells where the end of the connection is the end of the body, or of a tunnel. */
  cut(client: Client, status: number): void {
    if (status === 101 || this.req.httpVersionMinor === 0) client.reset();
    this.destroy();
  }

  inform(status: number, headers: HeaderList): void {
    this.req.socket.write(headText(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, headers), 'latin1');
  }

  setTrailers(trailers: HeaderList): void {
    this.addTrailers(headerRecord(trailers));
  }

  makeLast(client: Client, headers: HeaderList, suspect: boolean): void {
    headers.push('Connection', 'close');
    client.last = true;
    const { req } = this;
    if (req.complete && !suspect) return;
    const { socket } = req;
    // Node calls this once the answer is written.
    socket.destroySoon = () => closeLingering(socket);
  }

  get tunnel(): Socket {
    return this.req.socket;
  }

  /** Nobody reads the socket until the tunnel stands, so nobody would notice. Early bytes stay where they are, for the tunnel. */
  watchForEnd(): () => void {
    const { socket } = this.req;
    const onReadable = () => void socket.read(0);
    const onEnd = () => socket.destroy();
    socket.on('readable', onReadable).once('end', onEnd);
    return () => void socket.off('readable', onReadable).off('end', onEnd);
  }

  writeTunnel(chunk: Buffer): boolean {
    return this.req.socket.write(chunk);
  }

  openTunnel(headers: HeaderList): true {
    const head = [...headers, 'Connection', 'Upgrade', 'Upgrade', webSocket];
    this.req.socket.write(headText('HTTP/1.1 101 Switching Protocols', head), 'latin1');
    return true;
  }
}
