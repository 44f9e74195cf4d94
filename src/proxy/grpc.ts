/** Whether a request is one of gRPC: what follows the name is the coding of its messages. gRPC-Web says so in another way. */
export const isGrpc = (contentType: string | undefined): boolean =>
  contentType !== undefined && /^application\/grpc(?:$|[+;\s])/i.test(contentType);

/**
 * The status of an answer to gRPC (0 to 16): what its trailers say, or its head where there is no more of it. One that says
 * nothing did not come from gRPC, and what its HTTP status comes to is agreed upon. What cannot be read is UNKNOWN.
 */
export function grpcStatusOf(
  status: number,
  headers: readonly string[],
  trailers: readonly string[],
): number {
  const told = statusIn(trailers) ?? statusIn(headers);
  if (told === undefined) return ofHttp[status] ?? unknown;
  return /^(?:\d|1[0-6])$/.test(told) ? Number(told) : unknown;
}

function statusIn(list: readonly string[]): string | undefined {
  for (let i = 0; i + 1 < list.length; i += 2)
    if (list[i]?.toLowerCase() === 'grpc-status') return list[i + 1];
  return undefined;
}

const unknown = 2;

/** https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const ofHttp: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};
