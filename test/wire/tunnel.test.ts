import t from 'tap';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { until } from '../support/client.ts';
import { get, openDialogue, plain, switching, upgrade, type Dialogue } from '../support/dialogue.ts';
import { startProxy } from '../support/proxy.ts';
import { startRawUpstream } from '../support/upstream.ts';

/** One end of a tunnel as the upstream has it. */
type End = { socket: Socket; received: () => string; ended: () => boolean };

/** A proxy before an upstream that agrees to every upgrade to /tunnel, and never closes of itself. */
async function startTunnels(t: Parameters<typeof startProxy>[0]) {
  const ends: End[] = [];
  const agreement = { bytes: switching };
  const upstream = await startRawUpstream(t, (socket, received) => {
    let ended = false;
    let agreed = false;
    for (const event of ['end', 'close']) socket.on(event, () => (ended = true));
    ends.push({ socket, received, ended: () => ended });
    socket.on('data', () => {
      if (agreed || !received().startsWith('GET /tunnel')) return;
      agreed = true;
      socket.write(agreement.bytes, 'latin1');
    });
  });
  const proxy = await startProxy(t, plain(upstream.url));
  const open = async (t: Parameters<typeof startProxy>[0]): Promise<{ client: Dialogue; end: End }> => {
    const before = ends.length;
    const client = openDialogue(t, proxy.port, upgrade('/tunnel'));
    await client.heard('\r\n\r\n');
    return { client, end: await until(() => ends[before], 'the upstream has its end') };
  };
  return { port: proxy.port, ends, agreement, open, upstream };
}

await t.test('66 Early bytes on either side of the 101 arrive', async (t) => {
  const { port, ends, agreement } = await startTunnels(t);

  await t.test('what the client sends right behind its request', async (t) => {
    const client = openDialogue(t, port, `${upgrade('/tunnel')}early`);
    await client.heard('\r\n\r\n');
    client.socket.write(' and late');
    const end = await until(() => ends.at(-1), 'the upstream is asked');
    await until(() => end.received().endsWith('\r\n\r\nearly and late'), 'in order');
    client.socket.destroy();
  });

  await t.test('what the upstream sends in one packet with the 101', async (t) => {
    agreement.bytes = `${switching}welcome \xff\x00`;
    const client = openDialogue(t, port, upgrade('/tunnel'));
    t.match(await client.heard('welcome'), /^HTTP\/1\.1 101 [^]*\r\n\r\nwelcome \xff\0$/);
    client.socket.destroy();
    agreement.bytes = switching;
  });

  await t.test('many of them on both sides', async (t) => {
    const many = 'early '.repeat(50_000);
    agreement.bytes = switching + many;
    const client = openDialogue(t, port, upgrade('/tunnel') + many);
    await until(() => client.received().endsWith(`\r\n\r\n${many}`), 'those of the upstream');
    await until(() => ends.at(-1)?.received().endsWith(`\r\n\r\n${many}`), 'those of the client');
    client.socket.destroy();
    agreement.bytes = switching;
  });

  // An upstream that refuses keeps the connection, and would take them for its next request: one that no rule of the
  // proxy has seen (RFC 9110 §7.8 lets nobody speak the new protocol before the 101).
  await t.test('and those of the client wait for it', async (t) => {
    const client = openDialogue(t, port, upgrade('/refused') + get('/smuggled'));
    const end = await until(
      () => ends.find(({ received }) => received().startsWith('GET /refused')),
      'asked',
    );
    await until(() => end.received().endsWith('\r\n\r\n'), 'the whole head');
    end.socket.write('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno');
    t.match(await client.over(), /^HTTP\/1\.1 403 [^]*no$/);
    t.notOk(ends.some(({ received }) => received().includes('smuggled')));
  });
});

await t.test('67 Half-close is respected in tunnels', async (t) => {
  const { port, open, upstream } = await startTunnels(t);

  await t.test('the client ends, and the upstream still sends', async (t) => {
    const { client, end } = await open(t);
    client.socket.end('last words');
    await until(() => end.ended(), 'the end arrives', 1000);
    t.ok(end.received().endsWith('last words'), 'behind the bytes before it');
    end.socket.write('still ');
    await client.heard('still ');
    end.socket.end('here');
    t.match(await client.over(), /still here$/);
    await until(() => end.socket.destroyed && client.socket.destroyed, 'both are gone', 1000);
  });

  await t.test('the upstream ends, and the client still sends', async (t) => {
    const { client, end } = await open(t);
    end.socket.end('last words');
    t.match(await client.over(), /last words$/);
    client.socket.write('still ');
    await until(() => end.received().endsWith('still '), 'the upstream hears it');
    client.socket.end('here');
    await until(() => end.ended(), 'the end arrives', 1000);
    t.ok(end.received().endsWith('still here'));
    await until(() => end.socket.destroyed && client.socket.destroyed, 'both are gone', 1000);
  });

  await t.test("outside of tunnels a client's end is the end of its request", async (t) => {
    const client = openDialogue(t, port, get('/slow'));
    const busy = await until(() => [...upstream.sockets].at(-1), 'the upstream is asked');
    client.socket.end();
    await Promise.all([client.over(), once(busy, 'end')]);
    t.equal(client.received(), '');
    busy.destroy();
  });
});

await t.test("68 Either side's death closes the other", async (t) => {
  const { open } = await startTunnels(t);
  const flood = Buffer.alloc(8 * 1024 * 1024);

  await t.test('the client is reset', async (t) => {
    const { client, end } = await open(t);
    client.socket.resetAndDestroy();
    await until(() => end.ended(), "the upstream's socket closes", 1000);
    end.socket.destroy();
  });

  await t.test('the upstream is reset', async (t) => {
    const { client, end } = await open(t);
    end.socket.resetAndDestroy();
    await client.over();
  });

  // Who waits for a full socket to drain must hear, too, that it never will.
  await t.test('the client is reset while the upstream has more than it took', async (t) => {
    const { client, end } = await open(t);
    client.socket.pause();
    end.socket.write(flood);
    await until(() => end.socket.writableLength > 0, 'it is stalled');
    client.socket.resetAndDestroy();
    await until(() => end.ended(), "the upstream's socket closes", 1000);
    end.socket.destroy();
  });

  await t.test('the upstream is reset while the client has more than it took', async (t) => {
    const { client, end } = await open(t);
    end.socket.pause();
    client.socket.write(flood);
    await until(() => client.socket.writableLength > 0, 'it is stalled');
    end.socket.resetAndDestroy();
    await client.over();
  });

  await t.test('the client is reset after the upstream has ended its side', async (t) => {
    const { client, end } = await open(t);
    end.socket.end();
    await client.over();
    client.socket.resetAndDestroy();
    await until(() => end.socket.destroyed, "the upstream's socket closes", 1000);
  });
});
