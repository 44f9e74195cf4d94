import type { Socket } from 'node:net';
import type { RequestBody } from './exchange.ts';
import { fieldLines } from './field-line.ts';

/** What becomes of a body under way. `onMoved` says whether the upstream took all of a piece at once. */
export type BodyEvents = {
  onMoved(tookAll: boolean): void;
  onSent(): void;
  /** Its sender went away before its end. */
  onCut(): void;
};

/** Writes a body to a connection as fast as the connection takes it. Returns how to stop. */
export function sendBody(body: RequestBody, socket: Socket, events: BodyEvents): () => void {
  const { stream } = body;
  const chunked = body.framing === 'chunked';
  let stopped = false;

  const onData = (chunk: Buffer) => {
    body.onChunk?.(chunk);
    if (stopped) return;
    const tookAll = chunked ? writeChunk(socket, chunk) : socket.write(chunk);
    if (!tookAll) stream.pause();
    events.onMoved(tookAll);
  };
  const onDrain = () => {
    stream.resume();
    events.onMoved(true);
  };
  const onEnd = () => {
    stop();
    if (chunked) socket.write(lastChunk(body.trailers?.() ?? []), 'latin1');
    if (body.framing === 'tunnel') socket.end();
    events.onSent();
  };
  const onClose = () => {
    stop();
    events.onCut();
  };
  const stop = () => {
    stopped = true;
    stream.off('data', onData).off('end', onEnd).off('close', onClose);
    socket.off('drain', onDrain);
  };

  if (stream.readableEnded) onEnd();
  else if (stream.destroyed)
    // Not before its sender knows of the exchange.
    process.nextTick(() => stopped || onClose());
  else {
    stream.on('data', onData).on('end', onEnd).on('close', onClose);
    socket.on('drain', onDrain);
    stream.resume();
  }
  return stop;
}

/** One write for size, data and line end. An empty chunk would end the body. */
function writeChunk(socket: Socket, chunk: Buffer): boolean {
  if (chunk.length === 0) return true;
  socket.cork();
  socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
  socket.write(chunk);
  const tookAll = socket.write('\r\n', 'latin1');
  socket.uncork();
  return tookAll;
}

const lastChunk = (trailers: string[]): string => `0\r\n${fieldLines(trailers)}\r\n`;
