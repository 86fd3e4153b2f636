/** A real php-fpm behind fromFastCgi, on three hosts. */
import { afterAll, describe, expect, it } from 'vitest';
import {
  type FastCgiApplication,
  type FromFastCgiOptions,
  fromFastCgi,
} from '../../bridges/fastcgi/index.ts';
import type { Environ } from '../../src/index.ts';
import { staticFiles } from '../../src/middleware/index.ts';
import { requirePeer } from '../support/peer.ts';
import { CODE_HOSTS } from './git-site.ts';
import { PHP_FPM, PhpSite } from './php-site.ts';

const FRONT = `<?php
session_start();
$_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
header('X-Count: ' . $_SESSION['count']);
header('Content-Type: application/json');
$keys = ['SCRIPT_NAME', 'PATH_INFO', 'REQUEST_URI', 'PHP_SELF', 'REMOTE_USER', 'QUERY_STRING', 'HTTP_PROXY'];
$found = [];
foreach ($keys as $key) $found[$key] = $_SERVER[$key] ?? null;
foreach ($_FILES as $name => $file) $found[$name] = $file['size'] . ' ' . $file['name'];
$found['post'] = $_POST;
$found['input'] = strlen(file_get_contents('php://input'));
echo json_encode($found);`;

let site: PhpSite | undefined;
const applications: FastCgiApplication[] = [];

afterAll(async () => {
  for (const application of applications) await application.close();
  await site?.remove();
});

async function siteOf(program: string): Promise<PhpSite> {
  if (site !== undefined) return site;
  site = new PhpSite(program);
  site.write('index.php', FRONT);
  site.write('style.css', 'a { color: red }');
  site.write('upload/photo.jpg', '<?php echo "it ran";');
  site.write(
    'admin/index.php',
    '<?php setcookie("a", "b"); setcookie("c", "d"); header("Location: ../news", true, 303);',
  );
  site.write('fatal.php', '<?php echo "before"; nothing();');
  site.write(
    'flush.php',
    '<?php foreach ([1, 2] as $n) { echo str_repeat("$n", 5000); @ob_flush(); flush(); usleep(300000); }',
  );
  await site.start();
  return site;
}

function serveSite(php: PhpSite, options: FromFastCgiOptions = {}): FastCgiApplication {
  const files = staticFiles(php.root);
  const application = fromFastCgi({
    path: php.socket,
    root: php.root,
    fallback: 'index.php',
    files,
    ...options,
  });
  applications.push(application);
  return application;
}

describe.each(CODE_HOSTS)('php-fpm on $name', (host) => {
  it('serves a front controller, sessions, uploads and files', async (context) => {
    const php = await siteOf(requirePeer(context, ...PHP_FPM));
    const logged: string[] = [];
    const errors = { write: (text: string) => logged.push(text), writelines() {}, flush() {} };
    const environ = (received: Environ) => ({ REMOTE_USER: received.REMOTE_USER, 'wsgi.errors': errors });
    const { url, close } = await host.serve(serveSite(php, { environ }));
    const authorization = `Basic ${Buffer.from('ada:').toString('base64')}`;
    const first = await fetch(`${url}/news/1?a=b`, { headers: { authorization, Proxy: 'x' } });
    expect(await first.json()).toMatchObject({
      SCRIPT_NAME: '/code/index.php',
      REQUEST_URI: '/code/news/1?a=b',
      QUERY_STRING: 'a=b',
      PHP_SELF: '/code/index.php',
      REMOTE_USER: 'ada',
      HTTP_PROXY: null,
    });
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
    const second = await fetch(`${url}/index.php/x`, { headers: { cookie } });
    expect(second.headers.get('x-count')).toBe('2');
    expect(await second.json()).toMatchObject({ PATH_INFO: '/x', PHP_SELF: '/code/index.php/x' });

    const form = new FormData();
    form.set('name', 'Ada');
    form.set('file', new File([Buffer.alloc(3_000_000)], 'big.bin'));
    const sent = await fetch(`${url}/`, { method: 'POST', body: form });
    expect(await sent.json()).toMatchObject({ post: { name: 'Ada' }, file: '3000000 big.bin' });
    const raw = await fetch(`${url}/`, { method: 'PUT', body: Buffer.alloc(1_000_000) });
    expect(await raw.json()).toMatchObject({ input: 1_000_000 });

    expect((await fetch(`${url}/style.css`)).headers.get('content-type')).toContain('text/css');
    expect(await (await fetch(`${url}/upload/photo.jpg/x.php`)).text()).not.toContain('it ran');
    expect(await (await fetch(`${url}/index.php~`)).text()).not.toContain('<?php');
    const admin = await fetch(`${url}/admin`, { redirect: 'manual' });
    expect([admin.status, admin.headers.get('location')]).toEqual([301, '/code/admin/']);
    const redirect = await fetch(`${url}/admin/`, { redirect: 'manual' });
    expect([redirect.status, redirect.headers.get('location')]).toEqual([303, '../news']);
    expect(redirect.headers.getSetCookie()).toEqual(['a=b', 'c=d']);

    const fatal = await fetch(`${url}/fatal.php`);
    await fatal.text();
    expect(logged.join('')).toContain('Call to undefined function nothing()');

    const streamed = await fetch(`${url}/flush.php`);
    const start = Date.now();
    const reader = streamed.body?.getReader();
    await reader?.read();
    expect(Date.now() - start).toBeLessThan(290);
    await reader?.cancel();
    await close();
  });
});
