import t from 'tap';
import { createOverride } from '../../src/proxy/override.ts';
import { sendRaw } from '../support/client.ts';
import { asks, headOf, startBefore, startReplier, okAnswer } from '../support/peers.ts';
import { converse, startWire } from '../support/wire.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';

const secret = 'open-sesame';
const override = `override: { header: X-Version, secret: ${secret} }`;

await t.test('only the whole secret pins: no part, no more, no other spelling, no list', async (t) => {
  const pinned = (given: string | undefined, configured = secret) =>
    createOverride({ header: 'X-Version', secret: configured })?.pinned({
      'x-version': '1',
      ...(given !== undefined && { 'x-trenchcoat-secret': given }),
    });
  t.equal(pinned(secret), '1');
  for (const wrong of [
    undefined,
    '',
    'o',
    'open-sesam',
    'open-sesame!',
    'Open-Sesame',
    ' open-sesame',
    'open-sesame, open-sesame',
    'x'.repeat(10_000),
    '\0'.repeat(11),
  ])
    t.equal(pinned(wrong), undefined, JSON.stringify(wrong)?.slice(0, 40));
  // Node hands over the bytes of a header one by one.
  t.equal(
    pinned(Buffer.from('schlüssel', 'utf8').toString('latin1'), 'schlüssel'),
    '1',
    'what is not ASCII is UTF-8',
  );
  t.equal(pinned('schl\u00fcssel', 'schlüssel'), undefined);
  t.equal(createOverride({ header: 'X-Version', secret: '' }), undefined);
});

const upstream = await startReplier(t);
const proxy = await startBefore(t, upstream.url, { more: override });
const without = await startBefore(t, upstream.url);

/** A CGI or WSGI upstream reads all of these as the same name. */
const spellings = (name: string) => [
  name,
  name.toLowerCase(),
  name.toUpperCase(),
  name.replaceAll('-', '_'),
  name.replace('-', '_'),
  name.toUpperCase().replaceAll('-', '_'),
];

await t.test('neither wish nor secret reaches an upstream, in any spelling, right or wrong', async (t) => {
  for (const path of ['/fact/', '/plain'])
    for (const said of [secret, 'wrong'])
      for (const name of spellings('X-Trenchcoat-Secret'))
        for (const wish of spellings('X-Version')) {
          const lines = [`${name}: ${said}`, `${wish}: 1`];
          const answer = await sendRaw(
            proxy.port,
            asks(`GET ${path} HTTP/1.1`, 'Connection: close', ...lines),
            false,
          );
          const head = upstream.heads.at(-1) ?? '';
          t.notMatch(head, /secret|x.version|sesame|wrong/i, lines.join(', '));
          t.notMatch(answer, /sesame|wrong/);
        }
  await sendRaw(
    without.port,
    asks('GET /fact/ HTTP/1.1', 'Connection: close', `X_Trenchcoat-Secret: ${secret}`),
    false,
  );
  t.notMatch(upstream.heads.at(-1), /sesame/, 'nor where no override is configured');
});

/** The version that a request with these fields is served. */
const served = async (...fields: string[]) => {
  const answer = await sendRaw(
    proxy.port,
    asks('GET /fact/ HTTP/1.1', 'Connection: close', ...fields),
    false,
  );
  return /^x-api-version: (.*)$/im.exec(answer)?.[1];
};

await t.test(
  'only the name itself is heard: another spelling pins nothing, and two secrets do not',
  async (t) => {
    t.equal(await served('x-version: 1', `X-TRENCHCOAT-SECRET: ${secret}`), '1');
    t.equal(await served('X-Version: 1', `X_Trenchcoat_Secret: ${secret}`), '0');
    t.equal(await served('X_Version: 1', `X-Trenchcoat-Secret: ${secret}`), '0');
    for (const other of [secret, 'wrong']) {
      t.equal(
        await served('X-Version: 1', `X-Trenchcoat-Secret: ${secret}`, `X-Trenchcoat-Secret: ${other}`),
        '0',
      );
      t.equal(
        await served('X-Version: 1', `X-Trenchcoat-Secret: ${other}`, `X-Trenchcoat-Secret: ${secret}`),
        '0',
      );
    }
    t.equal(await served('X-Version: 1', 'X-Version: 1', `X-Trenchcoat-Secret: ${secret}`), '0');
  },
);

await t.test('nor do they as trailers, named in Connection, or in a tunnel', async (t) => {
  const names = [...spellings('X-Trenchcoat-Secret'), ...spellings('X-Version')];
  const lines = names.map((name) => `${name}: ${secret}\r\n`).join('');
  const wire = await startWire(
    t,
    (url) => `upstreams: { api: { url: "${url}" } }\nroutes: [{ name: all, upstream: api }]\n${override}\n`,
  );
  await converse(
    wire.port,
    `POST / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Version, X-Trenchcoat-Secret\r\nTransfer-Encoding: chunked\r\n${lines}\r\n1\r\na\r\n0\r\n${lines}X-Sum: 1\r\n\r\n`,
  );
  const [message] = wire.upstream.messages;
  t.match(message?.bytes, /x-sum: 1/i);
  t.notMatch(message?.bytes, /sesame|secret|x.version/i);

  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: a',
  ];
  await sendRaw(
    proxy.port,
    asks('GET /fact/ HTTP/1.1', ...upgrade, 'X-Version: 1', `X-Trenchcoat-Secret: ${secret}`),
  );
  t.match(upstream.heads.at(-1), /upgrade: websocket/i);
  t.notMatch(headOf(upstream.heads.at(-1) ?? '').fields.join('\n'), /sesame|secret|x.version/i);
});

await t.test('nor when a request is sent again, since its connection was dead', async (t) => {
  let deaths = 0;
  const dying = await startReplier(t, (head, socket) => {
    if (!head.includes('/again') || deaths > 0) return okAnswer;
    deaths += 1;
    socket.destroy();
    return '';
  });
  const yaml = flagged(dying.url, dying.url, override);
  const retrying = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const ask = (path: string) =>
    sendRaw(
      retrying.port,
      asks(
        `GET /fact/${path} HTTP/1.1`,
        'Connection: close',
        'X-Version: 1',
        `X-Trenchcoat-Secret: ${secret}`,
      ),
      false,
    );
  await ask('first');
  t.match(await ask('again'), /^HTTP\/1\.1 200 /);
  t.equal(dying.heads.length, 3, 'it was sent twice');
  t.notMatch(dying.heads.join(''), /sesame|secret|x-version/i);
  t.notMatch(retrying.logText(), /sesame/);
});
