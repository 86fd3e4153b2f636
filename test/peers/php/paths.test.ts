/** Paths that reach scripts and files of PHP, and paths that must not: php-fpm behind fromFastCgi with a folder full of traps. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import type { FromFastCgiOptions } from '../../../bridges/fastcgi/index.ts';
import { staticFiles } from '../../../src/middleware/index.ts';
import { CODE_HOSTS, type CodeHost } from '../git-site.ts';
import type { PhpSite } from '../php-site.ts';
import { type ServedSite, serveSite, siteOf } from './debian.ts';
import { ask } from './raw-request.ts';

/** Says which script runs, and what it is told. `SECRET` is in the source alone. */
const SCRIPT = `<?php /* SECRET */
echo json_encode([basename(__DIR__) . '/' . basename(__FILE__), $_SERVER['SCRIPT_NAME'], $_SERVER['PATH_INFO'] ?? '',
  $_SERVER['PHP_SELF'], $_SERVER['REQUEST_URI']], JSON_UNESCAPED_SLASHES);`;

const SCRIPTS = [
  'index.php',
  'page.php',
  'blog/index.php',
  'blog/post.php',
  'dir.php/inside.php',
  'a b/ü.php',
];

const FILES: Readonly<Record<string, string>> = {
  'style.css': 'a { color: red }',
  'docs/index.html': 'the index of docs',
  'docs/a b.txt': 'with a space',
  'docs/ü.txt': 'umlaut',
  'docs/percent%41.txt': 'percent',
};

/** Nobody may read these. */
const SECRETS = [
  ...['.env', '.htaccess', '.git/config', 'blog/.htpasswd', '.user.ini', '.well-known.php'],
  ...['config.php~', 'config.php.bak', 'config.php.save', 'config.inc', 'config.inc.php5', 'view.phtml'],
  ...['tool.phar', 'old.phps', 'UPPER.PHP', 'Mixed.PhP', 'blog/.config.php.swp', 'dir.phtml/x.txt'],
];

function fill(php: PhpSite): void {
  for (const name of [...SCRIPTS, 'config.php']) php.write(name, SCRIPT);
  for (const [name, text] of Object.entries(FILES)) php.write(name, text);
  for (const name of SECRETS) php.write(name, '<?php /* SECRET */ echo "it ran";');
  // Uploads that would run if a server took the path apart badly.
  for (const name of ['photo.jpg', 'upload/photo.png', 'upload/a.txt'])
    php.write(name, '<?php echo "it ran";');
  mkdirSync(join(php.root, 'empty'));
  writeFileSync(join(php.folder, 'outside.txt'), 'SECRET');
  writeFileSync(join(php.folder, 'outside.php'), SCRIPT);
  symlinkSync(join(php.folder, 'outside.txt'), join(php.root, 'link.txt'));
  symlinkSync(join(php.folder, 'outside.php'), join(php.root, 'link.php'));
  symlinkSync(php.folder, join(php.root, 'up'));
  symlinkSync(join(php.root, 'photo.jpg'), join(php.root, 'photo.php'));
  symlinkSync(join(php.root, 'blog'), join(php.root, 'journal'));
}

async function serve(
  context: TestContext,
  host: CodeHost,
  { settings = [], ...options }: FromFastCgiOptions & { readonly settings?: readonly string[] } = {},
): Promise<ServedSite> {
  const php = siteOf(context);
  fill(php);
  await php.start(2, settings);
  return serveSite(context, host, { php, ...options });
}

/** Each host in the tour; elsewhere one with a mount. */
const SERVED = CODE_HOSTS.filter(({ name }) => name === 'an Express mount' || process.env.TOUR !== undefined);

/** Ways to name one path. */
function* spellings(name: string): Generator<string> {
  const path = name.split('/').map(encodeURIComponent).join('/');
  const octets = (text: string): string =>
    [...Buffer.from(text)].map((one) => `%${one.toString(16).padStart(2, '0')}`).join('');
  yield `/${path}`;
  yield `//${path}`;
  yield `/${octets(name)}`;
  yield `/${octets(name.replaceAll('/', ''))}`;
  yield `/./${path}`;
  yield `/%2e/${path}`;
  yield `/blog/../${path}`;
  yield `/blog/%2e%2e/${path}`;
  yield `/blog/..%2f${path}`;
  yield `/blog%2f..%2f${path}`;
  yield `/index.php/../${path}`;
  yield `/index.php/%2e%2e/${path}`;
  yield `/index.php%2f..%2f${path}`;
  yield `/style.css/../${path}`;
  yield `/up/root/${path}`;
  yield `/\\${path}`;
  yield `/blog\\..\\${path}`;
  for (const end of ['/', '//', '/.', '/..;/x', '%20', '.', '%00', '%00.css', '%0a', ';.css', '%3b.css'])
    yield `/${path}${end}`;
  for (const end of [
    '?x.css',
    '#.css',
    '/x.css',
    '/index.php',
    '::$DATA',
    '%5c',
    '\\',
    '%2f',
    '%2findex.html',
  ])
    yield `/${path}${end}`;
}

describe.each(SERVED)('paths on $name', (host) => {
  it('run the script that they name', async (context) => {
    const { url } = await serve(context, host);
    const scriptOf = async (path: string): Promise<unknown> => {
      const { status, headers, text } = await ask(url, path);
      return status === 200 ? JSON.parse(text) : `${status} ${headers.location ?? ''}`.trim();
    };
    for (const [path, expected] of [
      ['/', ['root/index.php', '/code/index.php', '', '/code/index.php', '/code/']],
      ['', '301 /code/'],
      ['?a=b', '301 /code/?a=b'],
      ['/?a=/b.php', ['root/index.php', '/code/index.php', '', '/code/index.php', '/code/?a=/b.php']],
      ['/index.php', ['root/index.php', '/code/index.php', '', '/code/index.php', '/code/index.php']],
      [
        '/index.php/a/x.php',
        [
          'root/index.php',
          '/code/index.php',
          '/a/x.php',
          '/code/index.php/a/x.php',
          '/code/index.php/a/x.php',
        ],
      ],
      // A title of a wiki.
      [
        '/index.php/.NET',
        ['root/index.php', '/code/index.php', '/.NET', '/code/index.php/.NET', '/code/index.php/.NET'],
      ],
      [
        '/page.php/a%2Fb%20c',
        ['root/page.php', '/code/page.php', '/a/b c', '/code/page.php/a/b c', '/code/page.php/a%2Fb%20c'],
      ],
      [
        '/page.php//a//',
        ['root/page.php', '/code/page.php', '//a//', '/code/page.php//a//', '/code/page.php//a//'],
      ],
      ['/blog/', ['blog/index.php', '/code/blog/index.php', '', '/code/blog/index.php', '/code/blog/']],
      ['/blog/?x', ['blog/index.php', '/code/blog/index.php', '', '/code/blog/index.php', '/code/blog/?x']],
      [
        '/blog/post.php/2',
        ['blog/post.php', '/code/blog/post.php', '/2', '/code/blog/post.php/2', '/code/blog/post.php/2'],
      ],
      [
        '/journal/post.php',
        ['blog/post.php', '/code/journal/post.php', '', '/code/journal/post.php', '/code/journal/post.php'],
      ],
      [
        '/dir.php/inside.php',
        [
          'dir.php/inside.php',
          '/code/dir.php/inside.php',
          '',
          '/code/dir.php/inside.php',
          '/code/dir.php/inside.php',
        ],
      ],
      [
        '/a%20b/%C3%BC.php',
        ['a b/ü.php', '/code/a b/ü.php', '', '/code/a b/ü.php', '/code/a%20b/%C3%BC.php'],
      ],
      ['/blog', '301 /code/blog/'],
      ['/blog?a=b', '301 /code/blog/?a=b'],
      ['/docs', '301 /code/docs/'],
      ['/nothing.php', '404'],
      ['/nothing', '404'],
      ['/empty/', '404'],
      ['/empty', '404'],
    ] as const)
      expect.soft([path, await scriptOf(path)]).toEqual([path, expected]);
  });

  it('run the same scripts with cgi.fix_pathinfo = 0', async (context) => {
    const { url } = await serve(context, host, { settings: ['php_admin_value[cgi.fix_pathinfo] = 0'] });
    for (const [path, script, pathInfo] of [
      ['/', 'root/index.php', ''],
      ['/index.php/a/b', 'root/index.php', '/a/b'],
      // It would run the second script if it were told of PATH_TRANSLATED.
      ['/index.php/blog/post.php', 'root/index.php', '/blog/post.php'],
      ['/page.php/config.php', 'root/page.php', '/config.php'],
      ['/index.php/blog/.config.php', 'root/index.php', '/blog/.config.php'],
    ] as const) {
      const { text } = await ask(url, path);
      const [ran, , rest] = text.startsWith('[') ? JSON.parse(text) : [text];
      expect.soft([path, ran, rest]).toEqual([path, script, pathInfo]);
    }
  });

  it('reach static files first, the front controller last', async (context) => {
    const { url } = await serve(context, host, { fallback: '/index.php' });
    for (const [name, text] of Object.entries(FILES)) {
      const path = `/${name.split('/').map(encodeURIComponent).join('/')}`;
      const got = await ask(url, path);
      expect.soft([path, got.status, got.text]).toEqual([path, 200, text]);
    }
    expect((await ask(url, '/docs/')).text).toBe('the index of docs');
    const css = await ask(url, '/style.css');
    expect(css.headers['content-type']).toMatch(/^text\/css/);
    const head = await ask(url, '/style.css', { method: 'HEAD' });
    expect([head.text, head.headers['content-length']]).toEqual(['', '16']);
    const part = await ask(url, '/style.css', { headers: { Range: 'bytes=4-8' } });
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, 'color', 'bytes 4-8/16']);
    const same = await ask(url, '/style.css', { headers: { 'If-None-Match': `${css.headers.etag}` } });
    expect([same.status, same.text]).toEqual([304, '']);
    const since = { 'If-Modified-Since': `${css.headers['last-modified']}` };
    expect((await ask(url, '/style.css', { headers: since })).status).toBe(304);
    // Everything else is the front controller's, also what looks like a file, a script, or a name that is hidden.
    for (const path of [
      ...['/news/1', '/none.css', '/none.php', '/none.php/x', '/photo.jpg/x.php', '/upload/photo.png/.php'],
      ...[
        '/.env',
        '/.git/config',
        '/.well-known/none',
        '/config.php~',
        '/UPPER.PHP',
        '/photo.php',
        '/link.php',
      ],
      ...[
        '/upload/',
        '/empty',
        '/%2e%2e%2foutside.php',
        '/a%2Fb',
        '/%C3%A9',
        // Fastify's router answers this one itself (FST_ERR_BAD_URL).
        ...(host.name === 'a Fastify prefix' ? [] : ['/%E9']),
        '//evil.test/x',
        '/a//b',
      ],
    ]) {
      const { status, text } = await ask(url, path);
      expect
        .soft([path, status, status === 200 && JSON.parse(text)[0]])
        .toEqual([path, 200, 'root/index.php']);
    }
    const headOfPhp = await ask(url, '/news/1', { method: 'HEAD' });
    expect([headOfPhp.status, headOfPhp.text]).toEqual([200, '']);
    expect((await ask(url, '/style.css', { method: 'POST', body: 'x' })).text).toContain('root/index.php');
  });

  it('reach .well-known if files with a dot are allowed, and nothing else that has one', async (context) => {
    const php = siteOf(context);
    fill(php);
    php.write('.well-known/security.txt', 'Contact: ada');
    php.write('.well-known/.env', 'SECRET');
    php.write('.well-known/x.php', SCRIPT);
    await php.start(2);
    const { url } = await serveSite(context, host, {
      php,
      files: staticFiles(php.root, { dotfiles: 'allow' }),
    });
    expect(await ask(url, '/.well-known/security.txt')).toMatchObject({ status: 200, text: 'Contact: ada' });
    for (const path of ['/.well-known/.env', '/.well-known/x.php', '/.env', '/.git/config', '/.user.ini'])
      expect.soft([path, (await ask(url, path)).status]).toEqual([path, 404]);
  });

  it.for(process.env.TOUR === undefined ? [undefined] : [undefined, 'index.php'])(
    'never show a source or what is hidden, nor run an upload, however they are spelt: fallback %s',
    { timeout: 60_000 },
    async (fallback, context) => {
      const { url } = await serve(context, host, { fallback });
      const names = [
        ...SECRETS,
        ...['config.php', 'index.php', 'photo.jpg', 'upload/photo.png', 'link.txt', 'link.php', 'photo.php'],
        ...['../outside.txt', 'up/outside.txt', 'up/outside.php', 'up/fpm.conf'],
      ];
      const leaks: string[] = [];
      for (const name of names) {
        const paths = [...spellings(name)];
        const answers = await Promise.all(paths.map((path) => ask(url, path)));
        for (const [at, { text }] of answers.entries()) {
          // The file that was uploaded is sent under its own name.
          const isUpload = /^(?:photo\.jpg|upload)/.test(name) && text === '<?php echo "it ran";';
          const isOutside = /^\["[^"]*outside\.php"/.test(text);
          const isShown = /SECRET|max_children|^it ran/.test(text) || text.includes('<?php');
          if (isOutside || (isShown && !isUpload)) leaks.push(`${paths[at]}: ${text.slice(0, 60)}`);
        }
      }
      expect(leaks).toEqual([]);
    },
  );
});
