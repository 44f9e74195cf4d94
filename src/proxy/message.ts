import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { HeaderList } from './headers.ts';
import type { Client } from './trust.ts';

/**
 * What a client asks, in HTTP/1.1's words whichever version it speaks: `rawHeaders` has one Host, Cookie in one piece, and a
 * Transfer-Encoding where a body comes without a length.
 */
export type Request = {
  method?: string | undefined;
  /** The target as it came. */
  url?: string | undefined;
  readonly httpVersion: string;
  readonly httpVersionMajor: number;
  readonly httpVersionMinor: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: string[];
  readonly rawTrailers: string[];
  /** Whether all of it has come. */
  readonly complete: boolean;
  /** Its body. */
  readonly stream: Readable;
  /** What carries it: a connection, or a stream of one. Outlives the response. */
  readonly socket: Carrier;
  /** Reads on, whoever listens. */
  resume(): unknown;
};

export type Carrier = {
  readonly writable: boolean;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  on(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
};

/** The way back to the client. What the versions of HTTP do differently is behind it. */
export type Response = {
  readonly req: Request;
  readonly destroyed: boolean;
  /** Whether all of the answer has been handed to the system. */
  readonly writableFinished: boolean;
  /** Whether trailers can follow the body. */
  readonly chunkedEncoding: boolean;
  /** Makes the head, which goes out with what is written next. Throws for what cannot stand in one. */
  setHead(status: number, reasonPhrase: string | undefined, headers: HeaderList): void;
  /** An empty piece sends the head alone. False when the client should take what there is first. */
  write(chunk: Buffer | string, encoding: 'latin1'): boolean;
  /** The same of a piece that is lent for the call. */
  writeLent(chunk: Buffer): boolean;
  /** Where `chunkedEncoding` allows. */
  setTrailers(trailers: HeaderList): void;
  /** `chunk` is the last piece, and may be empty. */
  end(chunk: Buffer | string, encoding: 'latin1' | 'utf8'): unknown;
  destroy(): unknown;
  /** Ends what cannot be ended well, so that the client can tell; `status` is the one that was sent. */
  cut(client: Client, status: number): void;
  /** Sends a head that comes before the answer's. */
  inform(status: number, headers: HeaderList): void;
  writeContinue(): void;
  /**
   * Has the connection end with this answer, where others could follow it: nothing behind its request is served, and what is
   * still to come of it is thrown away. `suspect` when the request was refused, and more like it may follow.
   */
  makeLast(client: Client, headers: HeaderList, suspect: boolean): void;
  /** What the client and the upstream say to each other once they have agreed on a tunnel. */
  readonly tunnel: Duplex;
  /** Ends the request when the client ends its side, until the tunnel stands. Returns how to stop. */
  watchForEnd(): () => void;
  /** Tells the client that the upstream agrees; false when what the upstream said is no agreement. */
  openTunnel(headers: HeaderList): boolean;
  /** Passes on what came through it; false when the client should take what there is first. */
  writeTunnel(chunk: Buffer): boolean;
  on(event: 'close' | 'drain', listener: () => void): unknown;
  once(event: 'close' | 'drain', listener: () => void): unknown;
};
