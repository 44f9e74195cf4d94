import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { until } from '../place.ts';

/**
 * Nothing was left out: the metrics and the access log hold every request, and a quarter of them went to v1.
 * Gives what is wrong.
 */
export async function checkOurs(
  requests: number,
  adminPort: number,
  log: string,
): Promise<string | undefined> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
  const counted = sumOf('trenchcoat_requests_total', await answer.text());
  const v1 = counted('version="1"') / counted('');
  if (counted('') < requests) return `metrics hold ${counted('')} of ${requests} requests`;
  // Two points, or four standard deviations where few were asked.
  const tolerance = Math.max(0.02, 4 * Math.sqrt((0.25 * 0.75) / Math.max(1, requests)));
  if (Math.abs(v1 - 0.25) > tolerance) return `${(v1 * 100).toFixed(1)} % went to v1`;
  let lines = 0;
  await until(
    async () => ((lines = await accessLines(log)) >= requests ? true : undefined),
    () => `the access log holds ${lines} of ${requests} requests`,
  );
  return undefined;
}

/** Adds up the samples of a metric whose labels hold a text. */
const sumOf = (metric: string, text: string) => (labels: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`${metric}{`) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);

async function accessLines(log: string): Promise<number> {
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(log) }))
    if (line.includes('"route":"facts"')) lines += 1;
  return lines;
}
