import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageFile } from '../package.ts';

/** One of the dashboard's files. */
export type PageFile = { type: string; body: Uint8Array<ArrayBuffer> };

/** The dashboard: its files by path, and what a browser may do with them. */
export type Page = { files: ReadonlyMap<string, PageFile>; policy: string };

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Files of libraries, as browsers load them; the import map of the page names them. */
const vendor: Readonly<Record<string, string>> = {
  'preact.js': 'preact',
  'hooks.js': 'preact/hooks',
  'jsx-runtime.js': 'preact/jsx-runtime',
  'uplot.js': 'uplot/dist/uPlot.esm.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
};

/** Reads the dashboard into memory. Its scripts are compiled beside this file; what is not compiled is in the sources. */
export async function readPage(): Promise<Page> {
  const compiled = join(import.meta.dirname, 'dashboard');
  const sources = packageFile('src/admin/dashboard');
  const files = new Map<string, PageFile>();
  const add = async (path: string, file: string) => {
    const type = types[extname(path)];
    if (type !== undefined) files.set(path, { type, body: new Uint8Array(await readFile(file)) });
  };
  for (const name of await readdir(compiled))
    if (extname(name) === '.js') await add(`/dashboard/${name}`, join(compiled, name));
  for (const name of await readdir(sources))
    if (extname(name) === '.css' || extname(name) === '.svg')
      await add(`/dashboard/${name}`, join(sources, name));
  for (const [name, module] of Object.entries(vendor))
    await add(`/dashboard/vendor/${name}`, fileURLToPath(import.meta.resolve(module)));
  const html = await readFile(join(sources, 'index.html'), 'utf8');
  files.set('/', { type: types['.html'] ?? '', body: new TextEncoder().encode(html) });
  return { files, policy: policyFor(html) };
}

/** All from here, nothing inline but the import map, and nobody may frame it (Content Security Policy, level 3). */
function policyFor(html: string): string {
  const [, map = ''] = /<script type="importmap">([^]*?)<\/script>/.exec(html) ?? [];
  const hash = createHash('sha256').update(map).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
