/** The built package, for tests that run the command as people do: from JavaScript, without a loader. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'node_modules/.cache/gatebridge');

/**
 * Builds the package, unless that has been done for their present text.
 *
 * @returns a folder with package.json and dist, as the tarball has them
 */
export function compiledPackage(): string {
  compiled ??= compile();
  return compiled;
}

let compiled: string | undefined;

function compile(): string {
  const hash = createHash('sha256').update(readFileSync(join(ROOT, 'package.json')));
  for (const folder of ['src', 'bridges', 'scripts']) {
    const names = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
    for (const name of names.filter((one) => /\.(ts|py)$/.test(one)).sort())
      hash.update(name).update(readFileSync(join(ROOT, folder, name)));
  }
  const target = join(CACHE, hash.digest('hex').slice(0, 16));
  if (existsSync(target)) return target;
  mkdirSync(CACHE, { recursive: true });
  const stage = mkdtempSync(join(CACHE, 'stage-'));
  const loader = join(ROOT, 'node_modules/tsx/dist/loader.mjs');
  const build = [join(ROOT, 'scripts/build.ts'), '--out', join(stage, 'dist')];
  execFileSync(process.execPath, ['--import', loader, ...build]);
  cpSync(join(ROOT, 'package.json'), join(stage, 'package.json'));
  try {
    renameSync(stage, target);
  } catch {
    // Another test file was faster.
    rmSync(stage, { recursive: true, force: true });
  }
  return target;
}
