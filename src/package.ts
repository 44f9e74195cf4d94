import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const manifest = require.resolve('trenchcoat/package.json');

/** This package's version. */
export const { version } = require(manifest) as { version: string };

/** The absolute path of one of the package's files, such as `config/demo.yaml`, from wherever this was compiled to. */
export const packageFile = (path: string): string => join(dirname(manifest), path);
