import http, { type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { Test } from 'tap';
import type { Snapshot } from '../../src/admin/snapshot.ts';
import { until } from './client.ts';

/** Somebody who looks on at `/api/live`. */
export type Viewer = {
  answer: IncomingMessage;
  /** The snapshots so far. */
  seen: () => Snapshot[];
  /** Waits until this many snapshots have come in all, and gives the last of them. */
  sees: (count: number) => Promise<Snapshot>;
  leave: () => void;
  /** Resolves when the connection is gone. */
  gone: Promise<unknown>;
};

/** Looks on at an admin port; `reads: false` takes nothing in but the head. */
export async function look(
  t: Pick<Test, 'teardown'>,
  port: number,
  { reads = true, headers = {} }: { reads?: boolean; headers?: Record<string, string> } = {},
): Promise<Viewer> {
  const request = http.get({ host: '127.0.0.1', port, path: '/api/live', headers, agent: false });
  request.on('error', () => {});
  t.teardown(() => request.destroy());
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  const gone = once(answer.socket, 'close');
  let text = '';
  answer.on('error', () => {});
  if (reads) answer.setEncoding('utf8').on('data', (part: string) => (text += part));
  const seen = () =>
    text
      .split('\n\n')
      .slice(0, -1)
      .map((event) => {
        const [, data] = /^event: snapshot\ndata: (.*)$/.exec(event) ?? [];
        if (data === undefined) throw new Error(`no snapshot: ${event}`);
        return JSON.parse(data) as Snapshot;
      });
  return {
    answer,
    seen,
    sees: (count) => until(() => seen()[count - 1], `${count} snapshots`),
    leave: () => void request.destroy(),
    gone,
  };
}
