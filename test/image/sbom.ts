import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { packageFile } from '../../src/package.ts';
import { billOfMaterials } from './bill-of-materials.ts';

const file = packageFile('artifacts/sbom.cdx.json');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${await billOfMaterials()}\n`);
console.log(file);
