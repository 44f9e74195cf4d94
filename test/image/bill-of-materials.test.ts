import t from 'tap';
import { version } from '../../src/package.ts';
import { billOfMaterials } from './bill-of-materials.ts';
import { named, productionPackages } from './packages.ts';

/** Licences that ask of whoever hands the program on for no more than a notice. */
const allowed = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']);

type Bill = { bomFormat: string; metadata: unknown; components: Component[] };
type Component = { name: string; version: string; licenses?: { license?: { id?: string } }[] };

await t.test('whatever the program needs may be handed on with it', async (t) => {
  const packages = await productionPackages();
  t.ok(packages.length > 20, `${packages.length} packages`);
  for (const { name, version, license } of packages)
    t.ok(allowed.has(String(license)), `${name}@${version}: ${JSON.stringify(license)}`);
});

await t.test('the bill of materials lists that, with versions, licences and hashes', async (t) => {
  const bill = JSON.parse(await billOfMaterials()) as Bill;
  const { components } = bill;
  t.match(bill, { bomFormat: 'CycloneDX', metadata: { component: { name: 'trenchcoat', version } } });
  t.strictSame(named(components), named(await productionPackages()));
  for (const { name, licenses, ...more } of components) {
    t.ok(allowed.has(licenses?.[0]?.license?.id ?? ''), `${name}: ${JSON.stringify(licenses)}`);
    t.match(more, { purl: /^pkg:npm\//, hashes: [{ alg: 'SHA-512' }] }, name);
  }
});
