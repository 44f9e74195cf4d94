import t from 'tap';
import {
  answerAttributes,
  decisionAttributes,
  exchangeAttributes,
  requestAttributes,
  type RequestHead,
} from '../../src/telemetry/semantic-conventions.ts';

await t.test('each reason of a decision has its word in the convention', async (t) => {
  for (const [reason, word, error] of [
    ['OFF', 'disabled'],
    ['PREREQUISITE_FAILED', 'disabled'],
    ['TARGET_MATCH', 'targeting_match'],
    ['RULE_MATCH', 'targeting_match'],
    ['OVERRIDE', 'static'],
    ['PREFLIGHT', 'default'],
    ['NO_CONTEXT', 'default'],
    ['GUARD', 'default'],
    ['UNKNOWN_VERSION', 'error', 'type_mismatch'],
    ['WRONG_TYPE', 'error', 'type_mismatch'],
    ['CLIENT_NOT_READY', 'error', 'provider_not_ready'],
    ['FLAG_NOT_FOUND', 'error', 'flag_not_found'],
    ['MALFORMED_FLAG', 'error', 'parse_error'],
    ['USER_NOT_SPECIFIED', 'error', 'targeting_key_missing'],
    ['EXCEPTION', 'error', 'general'],
    ['NEW_KIND_OF_REASON', 'unknown'],
  ] as const)
    t.same(
      decisionAttributes(reason, '1', true),
      {
        attributes: {
          'feature_flag.result.reason': word,
          'feature_flag.result.variant': '1',
          ...(error !== undefined && { 'error.type': error }),
        },
        failed: error !== undefined,
      },
      reason,
    );
  t.match(decisionAttributes('FALLTHROUGH', '1', true).attributes, { 'feature_flag.result.reason': 'split' });
  t.match(decisionAttributes('FALLTHROUGH', '1', false).attributes, {
    'feature_flag.result.reason': 'default',
  });
});

await t.test('a request is told by its path, and by whom it was meant for', async (t) => {
  const head: RequestHead = {
    method: 'GET',
    target: '/fact/?token=hunter2',
    host: 'api.example',
    secure: false,
    httpVersion: '1.1',
    clientAddress: undefined,
  };
  const told = (more: Partial<RequestHead>) => requestAttributes({ ...head, ...more });
  t.match(told({}), { 'url.path': '/fact/', 'server.address': 'api.example', 'server.port': 80 });
  t.match(told({ secure: true }), { 'url.scheme': 'https', 'server.port': 443 });
  t.match(told({ target: 'HTTP://other:81/a#b?c' }), {
    'url.path': '/a',
    'server.address': 'other',
    'server.port': 81,
  });
  t.match(told({ target: 'http://other?query' }), { 'url.path': '/', 'server.address': 'other' });
  t.match(told({ target: '*' }), { 'url.path': '*' });
  t.match(told({ host: '[::1]:8080' }), { 'server.address': '[::1]', 'server.port': 8080 });
  for (const host of ['user:password@api', 'a:b:c', '', undefined])
    t.notOk('server.address' in told({ host }), `${host} names nobody`);
});

await t.test('an exchange is told by its address', async (t) => {
  t.match(exchangeAttributes('GET', new URL('https://api.example/v1'), '/v1/fact/'), {
    'server.address': 'api.example',
    'server.port': 443,
    'url.full': 'https://api.example/v1/fact/',
  });
});

await t.test('an answer that came whole is no fault of its upstream, whatever the client did', async (t) => {
  const left = { code: 'client_closed', source: 'downstream' } as const;
  const answer = { status: 200, whole: true, resends: 0, elapsed: 1 };
  t.same(answerAttributes(answer, left), { attributes: { 'http.response.status_code': 200 }, failed: false });
  t.match(answerAttributes({ ...answer, whole: false }, left), {
    attributes: { 'error.type': 'client_closed' },
    failed: true,
  });
  t.same(answerAttributes(undefined, { code: 'internal', source: 'self' }).attributes, {
    'error.type': 'internal',
  });
});
