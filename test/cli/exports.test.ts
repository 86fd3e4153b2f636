/** What the command says of a module whose exports have other names than the usual ones. */
import { expect, it, vi } from 'vitest';
import { projectFolder, runCommand } from './command.ts';

// The first test compiles the package.
vi.setConfig({ testTimeout: 60_000 });

it.each([
  [
    'ES module',
    'app.mjs',
    'export const site = () => [], version = 1;',
    /It exports site, version: gatebridge app\.mjs:site/,
  ],
  ['CommonJS', 'app.cjs', 'exports.site = () => [];', /It exports site: gatebridge app\.cjs:site/],
  [
    'CommonJS, as one object',
    'app.cjs',
    'module.exports = Object.assign({}, { site: () => [] });',
    /It exports site: gatebridge app\.cjs:site/,
  ],
  [
    'a default export of names',
    'app.mjs',
    'export default { site: () => [] };',
    /It exports site: gatebridge app\.mjs:site/,
  ],
  [
    'hooks alone',
    'app.mjs',
    'export function upgrade() {} export function close() {}',
    /no default export.*\n.*It exports only close and upgrade/,
  ],
  [
    'an object without functions',
    'app.mjs',
    'export default { a: 1 };',
    /app\.mjs:default is not a gateway application/,
  ],
])('%s', async (_name, file, source, message) => {
  const done = await runCommand([file, '--check'], { folder: projectFolder({ [file]: source }) });
  expect(done).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(message) });
});
