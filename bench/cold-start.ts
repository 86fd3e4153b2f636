/**
 * Measures a cold start in AWS Lambda: from the load of the handler's module to its first answer, beside serverless-http with the same
 * Express app, as files of their own and bundled by esbuild. Needs `npm run build`.
 *
 *     npx tsx bench/cold-start.ts [starts]
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';
import { spread } from './statistics.ts';

const ROOT = join(import.meta.dirname, '..');

const APP = `
import express from 'express';
const app = express();
app.get('/', (request, response) => response.send('Hello'));
`;

const HANDLERS: Readonly<Record<string, string>> = {
  gatebridge: `
import { fromExpress } from 'gatebridge/express';
import { toLambda } from 'gatebridge/lambda';
${APP}
export const handler = toLambda(fromExpress(app));`,
  'serverless-http': `
import serverless from 'serverless-http';
${APP}
export const handler = serverless(app);`,
};

/** Loads a handler, has it answer, and prints the milliseconds of wall time and of the processor. */
const DRIVER = `
const begun = performance.now();
const used = process.cpuUsage();
const { handler } = await import(process.argv[2]);
const event = {
  version: '2.0', routeKey: '$default', rawPath: '/', rawQueryString: '', headers: { host: 'x' }, isBase64Encoded: false,
  requestContext: { http: { method: 'GET', path: '/', protocol: 'HTTP/1.1', sourceIp: '203.0.113.7' }, stage: '$default' },
};
const { body } = await handler(event, {});
if (body !== 'Hello') throw new Error(body);
const { user, system } = process.cpuUsage(used);
console.log(JSON.stringify([performance.now() - begun, (user + system) / 1000]));
`;

const starts = Number(process.argv[2] ?? 15);
const folder = mkdtempSync(join(tmpdir(), 'gatebridge-cold-start-'));
try {
  const programs = prepare();
  const found = new Map(programs.map(({ name }) => [name, { wall: [] as number[], cpu: [] as number[] }]));
  for (let round = 0; round < starts; round += 1) {
    for (const { name, path } of round % 2 === 0 ? programs : programs.toReversed()) {
      const [wall = 0, cpu = 0] = run(path);
      found.get(name)?.wall.push(wall);
      found.get(name)?.cpu.push(cpu);
    }
  }
  console.log('| handler | ms to the first answer, median | ms of CPU, median |\n| --- | --- | --- |');
  for (const [name, { wall, cpu }] of found)
    console.log(`| ${name} | ${spread(wall).median.toFixed(1)} | ${spread(cpu).median.toFixed(1)} |`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Writes the handlers, each as it is and as a bundle. */
function prepare(): { name: string; path: string }[] {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules/gatebridge'));
  for (const name of ['express', 'serverless-http'])
    symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  writeFileSync(join(folder, 'driver.mjs'), DRIVER);
  return Object.entries(HANDLERS).flatMap(([name, text]) => {
    const path = join(folder, `${name}.mjs`);
    const bundle = join(folder, `${name}.bundle.mjs`);
    writeFileSync(path, text);
    const banner =
      "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
    buildSync({
      entryPoints: [path],
      outfile: bundle,
      bundle: true,
      minify: true,
      platform: 'node',
      format: 'esm',
      banner: { js: banner },
    });
    return [
      { name: `${name}, bundled`, path: bundle },
      { name: `${name}, files`, path },
    ];
  });
}

function run(path: string): number[] {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(folder, 'driver.mjs'), pathToFileURL(path).href],
    {
      encoding: 'utf8',
    },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}
