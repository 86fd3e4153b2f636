/** Starts that fail: each is told to the person who typed the command, with the file, the fault and what would mend it. */
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Command, HELLO, projectFolder, runCommand, writeFiles } from './command.ts';

vi.setConfig({ testTimeout: 60_000 });

const LOADERS: readonly (readonly string[])[] = [['--check'], ['-p', '0'], ['-p', '0', '--workers', '2']];

describe('a module that does not come to its end', () => {
  it.each(LOADERS)('is told when it calls process.exit(0), with %s', async (...flags) => {
    const folder = projectFolder({ 'app.js': 'process.exit(0);' });
    const { code, stderr } = await runCommand(['app.js', ...flags], { folder });
    expect(stderr).toContain('app.js ended the process with code 0 while it was loaded');
    expect(code).toBe(3);
  });

  it.each([
    ['app.js', 'await new Promise(() => undefined);', '--check'],
    ['app.js:make', 'export const make = () => new Promise(() => undefined);', '--factory'],
  ])('is told when %s awaits something that never comes', async (app, text, flag) => {
    const folder = projectFolder({ 'app.js': text });
    const { code, stderr } = await runCommand([app, flag, '-p', '0'], { folder });
    expect(stderr).toContain(`${app} has not loaded: it awaits something that never comes`);
    expect(code).toBe(3);
  });

  it.each([
    ['process.exit(0);', 'gatebridge.config.js ended the process with code 0 while it was loaded'],
    ['await new Promise(() => undefined);', 'gatebridge.config.js has not loaded: it awaits'],
    [
      'export default () => { throw new Error("vault"); };',
      'The function of gatebridge.config.js failed: Error: vault',
    ],
    ['export default { app: "app.js", bind: "x:1" };', 'Put it into a list: bind: ["x:1"]'],
    ['export default null;', 'must export an object'],
  ])('is told of the config file %s', async (text, said) => {
    const folder = projectFolder({ 'app.js': HELLO, 'gatebridge.config.js': text });
    const { code, stderr } = await runCommand(['app.js', '--check'], { folder });
    expect(stderr).toContain(said);
    expect(code).toBe(2);
  });

  it('does not keep a reload from the text that mends it', async () => {
    const folder = projectFolder({
      'app.js': 'await new Promise(() => setInterval(() => undefined, 1_000));',
    });
    const command = new Command(['app.js', '-p', '0', '--reload'], { folder });
    // The watch begins before the first worker.
    await expect.poll(() => command.child.pid).toBeDefined();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    writeFiles(folder, { 'app.js': HELLO });
    expect(await (await fetch(await command.url())).text()).toContain('Hello');
    expect(command.stderr).not.toContain('does not start');
  });
});

describe('a syntax error', () => {
  it.each(['--check', '--workers=2'])(
    'is shown with its file and line, also of an imported file, with %s',
    async (flag) => {
      const folder = projectFolder({
        'app.js': 'import "./lib/broken.js";',
        'lib/broken.js': 'const one = 1;\nexport const app = (a,, b) => a;\n',
      });
      const { code, stderr } = await runCommand(['app.js', '-p', '0', flag], { folder });
      expect(stderr).toContain(`${folder}/lib/broken.js:2\n    export const app = (a,, b) => a;`);
      expect(code).toBe(3);
    },
  );

  it('at run time starts no second process', async () => {
    const folder = projectFolder({
      'app.js': 'import { appendFileSync } from "node:fs"; appendFileSync("runs", "x"); JSON.parse("{");',
    });
    const { stderr } = await runCommand(['app.js', '--check'], { folder });
    expect(stderr).toContain(`${folder}/app.js:1`);
    expect(readFileSync(join(folder, 'runs'), 'utf8')).toBe('x');
  });
});

describe('an address that cannot be', () => {
  it.each([
    [`unix:${'x'.repeat(120)}`, 'The path of a unix socket may have 10[37] octets: x+ has 120'],
    ['unix:run/missing/app.sock', 'folder run/missing does not exist\n  mkdir -p run/missing'],
    ['fd:99', 'Descriptor 99 is no listening socket'],
    ['nowhere.invalid:80', 'No address is known of the host nowhere.invalid'],
  ])('is told: %s', async (address, said) => {
    const folder = projectFolder({ 'app.js': HELLO });
    const { code, stderr } = await runCommand(['app.js', '--bind', address], { folder });
    expect(stderr).toMatch(new RegExp(said));
    expect(code).toBe(4);
  });

  it('is told when the application itself listens there', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const port = Reflect.get(Object(free.address()), 'port');
    free.close();
    const folder = projectFolder({
      'app.js': `import { createServer } from 'node:http'; createServer().listen(${port}); ${HELLO}`,
    });
    const { code, stderr } = await runCommand(['app.js', '-p', String(port)], { folder });
    expect(stderr).toContain(`The application itself listens on port ${port}\n  Leave its listen() out`);
    expect(code).toBe(4);
  });
});

describe('a value that cannot be', () => {
  it.each([
    [['-w', '0'], {}, '-w must be 1 or more, not "0"'],
    [['-w', 'Infinity'], {}, '-w must be a number or auto'],
    [[], { WEB_CONCURRENCY: '0' }, 'WEB_CONCURRENCY must be 1 or more'],
    [[], { FORWARDED_ALLOW_IPS: '127.0.0.1,10.0.0.0/99' }, 'FORWARDED_ALLOW_IPS has "10.0.0.0/99"'],
    [['--forwarded-allow-ips', 'proxy'], {}, '--forwarded-allow-ips has "proxy", which is no address'],
  ])('is told with its source: %j %j', async (flags, env, said) => {
    const folder = projectFolder({ 'app.js': HELLO });
    const { code, stderr } = await runCommand(['app.js', ...flags], { folder, env });
    expect(stderr).toContain(said);
    expect(code).toBe(2);
  });
});

describe('names with unusual letters', () => {
  it.each(['sp ace', 'ha#sh', 'que?ry', '100%25', 'über', 'a:b'])(
    'loads from a folder called %s',
    async (name) => {
      const folder = projectFolder({ [`${name}/${name}.js`]: HELLO });
      for (const app of [`${name}/${name}.js`, `${name}/${name}.js:app`, `./${name}/${name}.js`]) {
        const { code, stdout, stderr } = await runCommand(['fetch', app, '/x'], { folder });
        expect(stderr).toBe('');
        expect(stdout).toBe('Hello from the root/x');
        expect(code).toBe(0);
      }
    },
  );

  it('mounts below a path of any letters', async () => {
    const folder = projectFolder({ 'app.js': HELLO.replace('PATH_INFO)', "PATH_INFO, 'latin1')") });
    const command = new Command(['app.js', '-p', '0', '--root-path', '/café'], { folder });
    const url = await command.url();
    expect(await (await fetch(`${url}caf%C3%A9/x`)).text()).toBe('Hello from /café/x');
  });
});

it('fetch tells what it cannot read, and takes environment files', async () => {
  const folder = projectFolder({
    'app.js': `${HELLO}\nexport const env = (_e, start) => { start('200 OK', []); return [String(process.env.COLOUR)]; };`,
    'prod.env': 'COLOUR=green\n',
  });
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'body'), '');
  const missing = await runCommand(['fetch', 'app.js', '/', '-d', '@missing'], { folder });
  expect(missing).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--data @missing cannot be read'),
  });
  const noPath = await runCommand(['fetch', 'app.js', 'x'], { folder });
  expect(noPath).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('x is no path: it begins with /'),
  });
  const env = await runCommand(['fetch', 'app.js:env', '/', '--env-file', 'prod.env'], { folder });
  expect(env).toMatchObject({ code: 0, stdout: 'green' });
});

it('--help fits a screen', async () => {
  const folder = projectFolder({});
  const { stdout } = await runCommand(['--help'], { folder });
  const lines = stdout.trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(42);
  expect(lines.filter((line) => line.length > 100)).toEqual([]);
});
