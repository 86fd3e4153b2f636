/** Which script of PHP answers a path. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isHidden, ScriptFinder, type ScriptOptions } from '../../../bridges/fastcgi/php-scripts.ts';
import { decodeNative, encodeNative } from '../../../src/index.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'gatebridge-scripts-')));
const root = join(folder, 'root');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const name of ['', 'admin', 'upload', 'dir.php', '.hidden', 'empty'])
  mkdirSync(join(root, name), { recursive: true });
const FILES = [
  'index.php',
  'admin/index.php',
  'admin/page.php',
  'dir.php/x.php',
  '.hidden/x.php',
  '.x.php',
  'café.php',
];
for (const name of [...FILES, 'photo.jpg', 'upload/a.jpg', 'X.PHP', 'x.phps'])
  writeFileSync(join(root, name), '<?php');
writeFileSync(join(folder, 'outside.php'), '<?php');
symlinkSync(join(folder, 'outside.php'), join(root, 'outside.php'));
symlinkSync(join(root, 'photo.jpg'), join(root, 'picture.php'));
symlinkSync(join(root, 'admin'), join(root, 'alias'));

const finder = (options: Partial<ScriptOptions> = {}): ScriptFinder =>
  new ScriptFinder({
    root,
    script: undefined,
    fallback: undefined,
    index: 'index.php',
    symlinks: 'within',
    ...options,
  });

async function look(path: string, options: Partial<ScriptOptions> = {}): Promise<string> {
  const found = await finder(options).find(path);
  if (found.kind !== 'script') return found.kind;
  return `${decodeNative(found.file).replace(`${root}/`, '')} ${found.name} ${found.pathInfo}`.trim();
}

describe('ScriptFinder', () => {
  it('says so if there is no root, unless a front controller answers that php-fpm may find elsewhere', async () => {
    const missing = join(folder, 'missing');
    await expect(look('/x.php', { root: missing })).rejects.toMatchObject({
      statusCode: 502,
      message: expect.stringContaining(`folder ${missing} (option root) does not exist`),
    });
    expect(await look('/x', { root: missing, fallback: 'index.php' })).toContain('/index.php');
    expect(await look('/x.php')).toBe('nothing');
  });

  it.each([
    ['/index.php', 'index.php /index.php'],
    ['/', 'index.php /index.php'],
    ['/index.php/a/b.php', 'index.php /index.php /a/b.php'],
    ['/index.php/', 'index.php /index.php /'],
    ['/index.php/.NET', 'index.php /index.php /.NET'],
    ['/index.php/a/.b/.c.php', 'index.php /index.php /a/.b/.c.php'],
    ['/admin/', 'admin/index.php /admin/index.php'],
    ['/admin/page.php/x', 'admin/page.php /admin/page.php /x'],
    ['/dir.php/x.php', 'dir.php/x.php /dir.php/x.php'],
    ['/alias/page.php', 'admin/page.php /alias/page.php'],
    [encodeNative('/café.php'), `café.php ${encodeNative('/café.php')}`],
    ['//index.php', 'index.php /index.php'],
    ['//admin//', 'admin/index.php /admin/index.php'],
  ])('finds the script of %s', async (path, expected) => {
    expect(await look(path)).toBe(expected);
  });

  it.each([
    '/photo.jpg/x.php',
    '/photo.jpg/index.php',
    '/upload/a.jpg/.php',
    '/photo.jpg',
    '/photo.jpg\0.php',
    '/index.php\0',
    '/none.php',
    '/none',
    '/../outside.php',
    '/admin/../../outside.php',
    '/outside.php',
    '/picture.php',
    '/.x.php',
    '/.hidden/x.php',
    '/index.php/../.hidden/x.php',
    '/index.php/./x',
    '/admin/.x/page.php',
    '/X.PHP',
    '/x.phps',
    '/index.php.',
    '/index.php%20',
    '/caf\xe9.php',
    '/dir.php',
    '/empty/',
    'index.php',
    '*',
  ])('finds none for %j', async (path) => {
    expect(await look(path)).toBe('nothing');
  });

  it('tells a folder without a slash', async () => {
    expect(await look('/admin')).toBe('directory');
    expect(await look('/empty')).toBe('nothing');
    // The mount.
    expect(await look('')).toBe('directory');
  });

  it('follows symbolic links out of the root only if it is told to, and never to what is no script', async () => {
    expect(await look('/outside.php', { symlinks: 'follow' })).toBe('outside.php /outside.php');
    expect(await look('/picture.php', { symlinks: 'follow' })).toBe('nothing');
  });

  it('uses the fallback for what is no script', async () => {
    const options = { fallback: 'index.php' };
    expect(await look('/news/1', options)).toBe('index.php /index.php');
    expect(await look('/photo.jpg/x.php', options)).toBe('index.php /index.php');
    expect(await look('/.hidden/x.php', options)).toBe('index.php /index.php');
    expect(await look('/admin/page.php', options)).toBe('admin/page.php /admin/page.php');
    expect(await look('/news/1', { fallback: '/index.php' })).toBe('index.php /index.php');
  });

  it('has the front controller answer everything', async () => {
    const options = { script: 'app.php' };
    expect(await look('/admin/page.php', options)).toBe('app.php /app.php');
    expect(await look('/app.php/x', options)).toBe('app.php /app.php /x');
    expect(await look('/app.phpx', options)).toBe('app.php /app.php');
  });

  it('takes the folder of the front controller as the root', async () => {
    const found = await finder({ root: undefined, script: '/srv/site/public/index.php' }).find('/x');
    expect(found).toMatchObject({
      file: '/srv/site/public/index.php',
      root: '/srv/site/public',
      name: '/index.php',
    });
  });
});

describe('isHidden', () => {
  it.each([
    ...[
      '/index.php',
      '/index.PHP',
      '/index.php~',
      '/index.php.bak',
      '/x.phtml',
      '/x.phar',
      '/x.php7',
      '/conf.inc',
    ],
    ...[
      '/.env',
      '/.git/config',
      '/a/.htaccess',
      '/index.php/',
      '/a/.well-known/x',
      '/.well-known',
      '/.well-known/x.php',
      '/x.php.jpg',
    ],
  ])('hides %s', (path) => {
    expect(isHidden(path)).toBe(true);
  });

  it.each(['/', '/.well-known/security.txt', '/a/b.css', '/php', '/a.include', '/photo.jpg', '/a.phpstorm'])(
    'does not hide %s',
    (path) => {
      expect(isHidden(path)).toBe(false);
    },
  );
});
