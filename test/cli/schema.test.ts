import t from 'tap';
import { runHere } from '../support/command.ts';

await t.test('prints a JSON Schema of what this version supports', async (t) => {
  const { code, stdout } = await runHere(t, ['schema']);
  const schema: unknown = JSON.parse(stdout);
  t.equal(code, 0);
  t.match(schema, {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'trenchcoat',
    required: ['upstreams', 'routes'],
    additionalProperties: false,
    properties: {
      listen: { default: '0.0.0.0:8080' },
      log: { properties: { access: { anyOf: [{ type: 'boolean' }, { $ref: '#/definitions/reference' }] } } },
    },
  });
  t.match(schema, { properties: { workers: { default: 1 } } });
});
