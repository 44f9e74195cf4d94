import t from 'tap';
import { grpcStatusOf, isGrpc } from '../../src/proxy/grpc.ts';
import { classOf, failedUpstream, latencyOf, type Outcome } from '../../src/telemetry/outcome.ts';

await t.test('a request is one of gRPC by its content type', (t) => {
  for (const yes of [
    'application/grpc',
    'application/grpc+proto',
    'Application/gRPC;x=y',
    'application/grpc ',
  ])
    t.ok(isGrpc(yes), yes);
  for (const no of [
    undefined,
    '',
    'application/grpc-web',
    'application/grpc-web+proto',
    'application/grpcx',
    'text/plain',
  ])
    t.notOk(isGrpc(no), `${no}`);
  t.end();
});

await t.test('its status is in the trailers, or in a head that is all there is', (t) => {
  t.equal(grpcStatusOf(200, [], ['grpc-status', '0']), 0);
  t.equal(grpcStatusOf(200, ['Grpc-Status', '5'], []), 5);
  t.equal(grpcStatusOf(200, ['grpc-status', '0'], ['grpc-message', 'x', 'grpc-status', '13']), 13);
  for (const unreadable of ['', '17', '-1', '00', '0x', '1e1', '99999'])
    t.equal(grpcStatusOf(200, [], ['grpc-status', unreadable]), 2, unreadable);
  t.end();
});

await t.test('an answer without one is what its HTTP status comes to', (t) => {
  const mapped = {
    200: 2,
    302: 2,
    400: 13,
    401: 16,
    403: 7,
    404: 12,
    429: 14,
    500: 2,
    502: 14,
    503: 14,
    504: 14,
  };
  for (const [status, code] of Object.entries(mapped))
    t.equal(grpcStatusOf(Number(status), ['content-type', 'text/html'], []), code, status);
  t.end();
});

const outcome = (grpcStatus: number | undefined): Outcome => ({
  id: 'a',
  route: 'a',
  version: '1',
  reason: 'ROUTE',
  method: 'POST',
  path: '/',
  status: 200,
  grpcStatus,
  durationMs: 2,
  headMs: 1,
  bytesIn: 0,
  bytesOut: 0,
  upstream: 'a',
  error: undefined,
});

// OpenTelemetry's conventions for RPC: these are errors of the server that answers so.
await t.test('some say that the server failed, others what the caller did wrong', (t) => {
  const failures = new Set([2, 4, 12, 13, 14, 15]);
  for (let code = 0; code <= 16; code += 1) {
    const failed = failures.has(code);
    t.equal(failedUpstream(outcome(code)), failed, `${code}`);
    t.equal(classOf(outcome(code)), failed ? 5 : code === 0 ? 2 : 4, `${code}`);
    t.equal(latencyOf(outcome(code)), code === 0 ? 1 : undefined, `${code}`);
  }
  t.equal(classOf(outcome(undefined)), 2);
  t.equal(classOf({ status: 499 }), 4);
  t.end();
});
