/** What scripts of PHP do with a request and a response, on a real php-fpm: content, headers, buffers, endings. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { type Application, toApplication } from '../../../src/index.ts';
import { CODE_HOSTS } from '../git-site.ts';
import type { PhpSite } from '../php-site.ts';
import { type ServedSite, type SiteOptions, serveSite, siteOf } from './debian.ts';
import { ask } from './raw-request.ts';

/** Long waits and the other hosts are left to the tour. */
const IS_TOUR = process.env.TOUR !== undefined;

const SERVED = CODE_HOSTS.filter(({ name }) => IS_TOUR || name === 'an Express mount');

async function until(check: () => unknown): Promise<void> {
  for (const end = Date.now() + 20_000; !(await check()); await delay(20))
    if (Date.now() > end) throw new Error(`It has not come: ${check}`);
}

describe.each(SERVED)('PHP on $name', (host) => {
  let php: PhpSite;
  let serve: (options?: SiteOptions) => Promise<ServedSite>;
  beforeEach((context: TestContext) => {
    php = siteOf(context);
    serve = async (options = {}) => {
      await php.start(3);
      return serveSite(context, host, { php, ...options });
    };
  });

  /** Names a script, and gives the path to ask for. */
  const script = (name: string, source: string): string => {
    php.write(`${name}.php`, `<?php ${source}`);
    return `/${name}.php`;
  };

  it('gives headers as a script sets them', async () => {
    const headers = script(
      'headers',
      `header('X-A: 1'); header('X-A: 2', false); header("X-Octets: f\\xfcr"); header_remove('X-Powered-By');
      header('Connection: close'); header('Content-Type: text/plain;charset=utf-8'); http_response_code(418); echo 'tea';`,
    );
    const gone = script('gone', "header('HTTP/1.1 410 Left us'); echo 'gone';");
    const status = script('status', "header('Status: 404 Not Found'); echo 'none';");
    const many = script('many', 'for ($i = 0; $i < 100; $i++) header("X-$i: " . str_repeat(\'v\', 100));');
    const created = script('created', "http_response_code(201); header('Location: /made/1');");
    const moved = script('moved', "header('Location: /code/headers.php?a=b');");
    const { url } = await serve();
    const got = await ask(url, headers);
    expect([got.status, got.text]).toEqual([418, 'tea']);
    expect(got.headers).toMatchObject({
      'x-a': '1, 2',
      'x-octets': 'für',
      'content-type': 'text/plain;charset=utf-8',
    });
    // Express adds its own.
    expect(`${got.headers['x-powered-by']}`).not.toMatch(/PHP/);
    expect((await ask(url, gone)).status).toBe(410);
    expect((await ask(url, status)).status).toBe(404);
    expect((await ask(url, many)).headers['x-99']).toBe('v'.repeat(100));
    const made = await ask(url, created);
    expect([made.status, made.headers.location]).toEqual([201, '/made/1']);
    const redirect = await ask(url, moved);
    expect([redirect.status, redirect.headers.location]).toEqual([302, '/code/headers.php?a=b']);
  });

  it('gives what buffers and compression make of the output', async () => {
    const length = script(
      'length',
      "ob_start(); echo str_repeat('a', 100000); header('Content-Length: ' . ob_get_length()); ob_end_flush();",
    );
    const upper = script(
      'upper',
      "ob_start(fn ($text) => strtoupper($text)); echo 'loud'; ob_end_flush(); echo ' quiet';",
    );
    const zip = script('zip', "ini_set('zlib.output_compression', '1'); echo str_repeat('zip', 1000);");
    const empty = script('empty', "http_response_code(204); echo 'none';");
    const { url } = await serve();
    const whole = await ask(url, length);
    expect([whole.headers['content-length'], whole.text.length]).toEqual(['100000', 100_000]);
    const head = await ask(url, length, { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '100000', '']);
    expect((await ask(url, upper)).text).toBe('LOUD quiet');
    const zipped = await fetch(url + zip, { headers: { 'Accept-Encoding': 'gzip' } });
    expect(zipped.headers.get('content-encoding')).toBe('gzip');
    expect(await zipped.text()).toBe('zip'.repeat(1000));
    expect(await ask(url, empty)).toMatchObject({ status: 204, text: '' });
  });

  it('gives content of each method, length and coding to php://input', async () => {
    const input = script(
      'input',
      "echo $_SERVER['REQUEST_METHOD'], ' ', md5(file_get_contents('php://input')), ' ', strlen(file_get_contents('php://input'))," +
        " ' ', count($_POST), ' ', $_SERVER['CONTENT_LENGTH'] ?? 'none', ' ', $_SERVER['HTTP_TRANSFER_ENCODING'] ?? 'whole';",
    );
    const { url } = await serve();
    const body = Buffer.alloc(200_000, 'content');
    const digest = createHash('md5').update(body).digest('hex');
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'OPTIONS']) {
      const { text } = await ask(url, input, { method, body });
      expect.soft(text).toBe(`${method} ${digest} 200000 0 200000 whole`);
    }
    const chunked = await fetch(url + input, {
      method: 'POST',
      body: new Blob([body]).stream(),
      duplex: 'half',
    });
    expect(await chunked.text()).toBe(`POST ${digest} 200000 0 200000 whole`);
    expect((await ask(url, input, { method: 'POST', body: '' })).text).toMatch(/^POST \w+ 0 0 0 whole$/);
    expect((await ask(url, input)).text).toMatch(/^GET \w+ 0 0 (?:none|0)? whole$/);
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const posted = await ask(url, input, { method: 'POST', body: 'a=1&b[]=2&b[]=3', headers: form });
    expect(posted.text).toMatch(/^POST \w+ 15 2 15 whole$/);
  });

  it('takes files, and refuses those that PHP was told to refuse', async (context) => {
    const upload = script('upload', 'echo json_encode([$_FILES, $_POST], JSON_UNESCAPED_UNICODE);');
    await php.start(2, ['php_admin_value[upload_max_filesize] = 1M', 'php_admin_value[post_max_size] = 3M']);
    const { url } = await serveSite(context, host, { php });
    const send = async (...sizes: number[]): Promise<unknown[]> => {
      const body = new FormData();
      body.set('title', 'für Ada');
      for (const [at, size] of sizes.entries())
        body.append('files[]', new File([Buffer.alloc(size)], `größe ${at}.bin`));
      return Object(await (await fetch(url + upload, { method: 'POST', body })).json());
    };
    const [files, fields] = await send(10, 1_000_000, 1_500_000);
    expect(files).toMatchObject({
      files: {
        name: ['größe 0.bin', 'größe 1.bin', 'größe 2.bin'],
        error: [0, 0, 1],
        size: [10, 1_000_000, 0],
      },
    });
    expect(fields).toEqual({ title: 'für Ada' });
    // More than post_max_size: PHP takes nothing of it, and still answers.
    const [none] = await send(4_000_000);
    expect(none).toEqual([]);
    expect(readdirSync(php.folder).filter((name) => name.startsWith('php'))).toEqual([]);
  });

  it('ends a response at fastcgi_finish_request(), and lets the script go on', async () => {
    const later = script(
      'later',
      "echo 'done'; fastcgi_finish_request(); usleep(400000); file_put_contents(__DIR__ . '/later.txt', 'x'); echo 'more';",
    );
    const { url } = await serve();
    const begin = Date.now();
    expect((await ask(url, later)).text).toBe('done');
    expect(Date.now() - begin).toBeLessThan(390);
    await until(() => existsSync(join(php.root, 'later.txt')));
  });

  it.runIf(IS_TOUR)('stops a script whose client has left, unless it ignores that', async () => {
    const source = (ignored: boolean, file: string): string =>
      `ignore_user_abort(${ignored}); register_shutdown_function(function () {
        file_put_contents(__DIR__ . '/${file}', connection_status() . ' ' . ($GLOBALS['count'] ?? 0)); });
      for ($count = 0; $count < 20; $count++) { echo str_repeat('x', 70000); @ob_flush(); flush(); usleep(50000); }`;
    const stopped = script('stopped', source(false, 'stopped.txt'));
    const ignoring = script('ignoring', source(true, 'ignoring.txt'));
    const { url } = await serve();
    for (const path of [stopped, ignoring]) {
      const reader = (await fetch(url + path)).body?.getReader();
      await reader?.read();
      await reader?.cancel();
    }
    const textOf = (name: string): string => readFileSync(join(php.root, name), 'utf8');
    await until(
      () => existsSync(join(php.root, 'stopped.txt')) && existsSync(join(php.root, 'ignoring.txt')),
    );
    expect(textOf('stopped.txt')).toMatch(/^1 /);
    expect(textOf('ignoring.txt')).toBe('1 20');
  });

  it('tells of scripts that fail', async () => {
    const parse = script('parse', 'this is not PHP');
    const fatal = script('fatal', 'undefined_function();');
    const thrown = script('thrown', "throw new RuntimeException('on purpose');");
    const memory = script('memory', "ini_set('memory_limit', '4M'); $a = str_repeat('x', 100000000);");
    const exit = script('exit', 'echo "left"; exit(3);');
    const warning = script('warning', 'echo 1 + $undefined; error_log("für das Log");');
    const { url, log } = await serve();
    for (const path of [parse, fatal, thrown, memory]) {
      const { status, text } = await ask(url, path);
      expect.soft([path, status, text]).toEqual([path, 500, '']);
    }
    expect(await ask(url, exit)).toMatchObject({ status: 200, text: 'left' });
    expect(await ask(url, warning)).toMatchObject({ status: 200, text: '1' });
    for (const said of ['syntax error', 'undefined_function()', 'on purpose', 'Allowed memory size'])
      expect(log()).toContain(said);
    expect(log()).toContain('Undefined variable $undefined');
    expect(log()).toContain('für das Log');
  });

  it('answers for a child that dies, and sends nothing a second time', async () => {
    const count = "file_put_contents(__DIR__ . '/count.txt', 'x', FILE_APPEND);";
    const early = script('early', `${count} posix_kill(getmypid(), 9);`);
    const late = script(
      'late',
      `${count} echo str_repeat('x', 70000); @ob_flush(); flush(); usleep(100000); posix_kill(getmypid(), 9);`,
    );
    const fine = script('fine', "echo 'fine';");
    const { url } = await serve();
    expect((await ask(url, early)).status).toBe(502);
    const cut = await fetch(url + late);
    await expect(cut.text()).rejects.toThrow();
    expect(readFileSync(join(php.root, 'count.txt'), 'utf8')).toBe('xx');
    expect((await ask(url, fine)).text).toBe('fine');
  });

  it.runIf(IS_TOUR)('tells of scripts that php-fpm stops, and of those that it does not', async (context) => {
    const slow = script('slow', 'sleep(3); echo "slow";');
    const fine = script('fine', "echo 'fine';");
    await php.start(1, ['request_terminate_timeout = 1s']);
    const site = await serveSite(context, host, { php });
    expect((await ask(site.url, slow)).status).toBe(502);
    const hasty = await serveSite(context, host, { php, timeout: 300 });
    expect((await ask(hasty.url, slow)).status).toBe(504);
    await until(async () => (await ask(site.url, fine)).text === 'fine');
  });

  it.runIf(IS_TOUR)('queues or refuses what the children cannot take', async (context) => {
    const slow = script('slow', 'usleep(400000); echo "slow";');
    await php.start(1);
    const queued = await serveSite(context, host, { php, maxConnections: 1, maxQueued: 2 });
    const all = await Promise.all([1, 2, 3, 4].map(() => ask(queued.url, slow)));
    expect(all.map(({ status }) => status).sort()).toEqual([200, 200, 200, 503]);
    expect(all.find(({ status }) => status === 503)?.headers['retry-after']).toMatch(/^\d+$/);
    const impatient = await serveSite(context, host, { php, maxConnections: 1, queueTimeout: 100 });
    const two = await Promise.all([1, 2].map(() => ask(impatient.url, slow)));
    expect(two.map(({ status }) => status).sort()).toEqual([200, 503]);
    // More connections than children: php-fpm lets them wait, and the time-out counts.
    const late = await serveSite(context, host, { php, timeout: 700 });
    const three = await Promise.all([1, 2, 3].map(() => ask(late.url, slow)));
    expect(three.map(({ status }) => status).sort()).toEqual([200, 504, 504]);
  });

  it('tells scripts of users, of https and of proxies, and takes settings of PHP', async () => {
    const server = script(
      'server',
      "echo json_encode([$_SERVER['HTTPS'] ?? null, $_SERVER['SERVER_PORT'], $_SERVER['REMOTE_ADDR'], $_SERVER['PHP_AUTH_USER'] ?? null," +
        " $_SERVER['HTTP_AUTHORIZATION'] ?? null, $_SERVER['REMOTE_USER'] ?? null, ini_get('memory_limit'), ini_get('precision')]);",
    );
    const around = (application: Application): Application => {
      const inner = toApplication(application);
      const secure = { 'wsgi.url_scheme': 'https', SERVER_PORT: '443', REMOTE_ADDR: '203.0.113.7' } as const;
      return (environ, startResponse) => inner({ ...environ, ...secure }, startResponse);
    };
    const { url } = await serve({
      around,
      authorization: true,
      environ: { REMOTE_USER: 'ada', PHP_VALUE: 'memory_limit=77M\nprecision=3' },
    });
    const headers = {
      Authorization: `Basic ${Buffer.from('grace:hopper').toString('base64')}`,
      'PHP-Value': 'memory_limit=1M',
      'Remote-User': 'mallory',
      HTTPS: 'off',
    };
    expect(JSON.parse((await ask(url, server, { headers })).text)).toEqual([
      ...['on', '443', '203.0.113.7', 'grace', headers.Authorization, 'ada', '77M', '3'],
    ]);
  });
});
