import t from 'tap';
import { printSchema } from '../../src/cli/schema.ts';

await t.test('prints a JSON Schema of what this version supports', async (t) => {
  const stdout = t.capture(process.stdout, 'write', () => true);
  const code = printSchema();
  stdout.restore();
  const schema: unknown = JSON.parse(
    stdout()
      .map(({ args }) => String(args[0]))
      .join(''),
  );
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
  t.notHas(schema, { properties: { rollouts: {} } });
});
