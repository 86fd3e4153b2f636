/**
 * Rewrites `./x.ts` to `./x.js` in the emitted declarations. TypeScript 7.0 does that only in the emitted JavaScript
 * (microsoft/TypeScript#61037). The compiler resolves both, but other tools need the name of the emitted file.
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
