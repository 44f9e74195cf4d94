import type { Writable } from 'node:stream';
import type { RequestBody } from './exchange.ts';
import { fieldLines } from './field-line.ts';

/** How a body is put on the wire. `write` says whether all was taken at once. */
export type Coding<W extends Writable> = {
  write(to: W, chunk: Buffer): boolean;
  end(to: W, trailers: () => string[]): void;
};

/** What becomes of a body under way. `onMoved` says whether the upstream took all of a piece at once. */
export type BodyEvents = {
  onMoved(tookAll: boolean): void;
  onSent(): void;
  /** Its sender went away before its end. */
  onCut(): void;
};

/** Writes a body as fast as it is taken. Returns how to stop; what was not read by then can be sent elsewhere. */
export function sendBody<W extends Writable>(
  body: RequestBody,
  to: W,
  coding: Coding<W>,
  events: BodyEvents,
): () => void {
  const { stream } = body;
  let stopped = false;

  const onData = (chunk: Buffer) => {
    body.onChunk?.(chunk);
    if (stopped) return;
    const tookAll = coding.write(to, chunk);
    if (!tookAll) stream.pause();
    events.onMoved(tookAll);
  };
  const onDrain = () => {
    stream.resume();
    events.onMoved(true);
  };
  const onEnd = () => {
    stop();
    coding.end(to, () => body.trailers?.() ?? []);
    events.onSent();
  };
  const onClose = () => {
    stop();
    events.onCut();
  };
  const stop = () => {
    stopped = true;
    stream.off('data', onData).off('end', onEnd).off('close', onClose);
    to.off('drain', onDrain);
  };

  if (stream.readableEnded) onEnd();
  else if (stream.destroyed)
    // Not before its sender knows of the exchange.
    process.nextTick(() => stopped || onClose());
  else {
    stream.on('data', onData).on('end', onEnd).on('close', onClose);
    to.on('drain', onDrain);
    stream.resume();
  }
  return stop;
}

/** The codings of HTTP/1.1. */
export const codings: Readonly<Record<RequestBody['framing'], Coding<Writable>>> = {
  length: { write: (to, chunk) => to.write(chunk), end() {} },
  chunked: {
    write: writeChunk,
    end: (to, trailers) => void to.write(`0\r\n${fieldLines(trailers())}\r\n`, 'latin1'),
  },
  tunnel: { write: (to, chunk) => to.write(chunk), end: (to) => void to.end() },
};

/** One write for size, data and line end. An empty chunk would end the body. */
function writeChunk(to: Writable, chunk: Buffer): boolean {
  if (chunk.length === 0) return true;
  to.cork();
  to.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
  to.write(chunk);
  const tookAll = to.write('\r\n', 'latin1');
  to.uncork();
  return tookAll;
}
