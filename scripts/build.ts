/**
 * Builds the package: `npx tsx scripts/build.ts [--out FOLDER] [--code-only]`.
 *
 * The files are bundled (bundle.ts), the declarations are those of tsc, one for each source. `--code-only` leaves the declarations out,
 * and with them the check of types.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.ts';

const ROOT = join(import.meta.dirname, '..');
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

/** A relative import in a declaration. */
const RELATIVE_SPECIFIER = /((?:\bfrom|\bimport\()\s*['"])(\.{1,2}\/[^'"]+)\.ts(['"])/g;

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(ROOT, 'dist') },
    'code-only': { type: 'boolean', default: false },
  },
});
await build(resolve(values.out), values['code-only']);

async function build(folder: string, isCodeOnly: boolean): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const declared = isCodeOnly ? undefined : declare(folder);
  await bundle(ROOT, folder);
  const programs = join(ROOT, 'bridges/python');
  for (const name of readdirSync(programs).filter((file) => file.endsWith('.py')))
    cpSync(join(programs, name), join(folder, 'bridges/python', name));
  await declared;
}

/** Writes the declarations. */
async function declare(folder: string): Promise<void> {
  const args = ['-p', join(ROOT, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', folder];
  const [status] = await once(spawn(process.execPath, [TSC, ...args], { stdio: 'inherit' }), 'exit');
  if (status !== 0) throw new Error('The sources do not compile');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.d.ts')) nameEmittedFiles(join(folder, name));
  }
}

/**
 * Rewrites `./x.ts` to `./x.js` in a declaration. TypeScript 7.0 does that only in JavaScript (microsoft/TypeScript#61037). The
 * compiler resolves both, but other tools need the name of the emitted file.
 */
function nameEmittedFiles(path: string): void {
  writeFileSync(path, readFileSync(path, 'utf8').replace(RELATIVE_SPECIFIER, '$1$2.js$3'));
}
