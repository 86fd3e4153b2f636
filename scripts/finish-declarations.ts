/**
 * Finishes what tsc leaves undone: TypeScript 7.0 rewrites `./x.ts` to `./x.js` in the JavaScript that it
 * emits, but not in the declarations (microsoft/TypeScript#61037). The compiler resolves either; editors and
 * tools that resolve declarations themselves find only the file that is there.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const RELATIVE_SPECIFIER = /((?:\bfrom|\bimport\()\s*['"])(\.{1,2}\/[^'"]+)\.ts(['"])/g;

for (const name of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.d.ts')) continue;
  const path = join('dist', name);
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, text.replace(RELATIVE_SPECIFIER, '$1$2.js$3'));
}
