import type { Http2Stream } from 'node:http2';

/**
 * Tells of the end of what a peer sends on a stream. Node has it end when it is reset, too; but a reset closes the stream
 * before it ends what is read from it.
 */
export function noteEnd(stream: Http2Stream, ended: () => void): void {
  const push = stream.push.bind(stream);
  stream.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk === null && !stream.closed) ended();
    return push(chunk, encoding);
  };
}
