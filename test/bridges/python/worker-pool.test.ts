/** The life of workers: starts, crashes, replacements, time-outs, the line, the end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromPython } from '../../../bridges/python/index.ts';
import { createClient } from '../../../src/testing/index.ts';
import { APPS, PYTHON } from './places.ts';
import { afterTest, HOSTS, isAlive, leave, python, until } from './python-site.ts';

const serve = HOSTS['standalone server'] as (typeof HOSTS)[string];

async function statusAndText(url: string, init?: RequestInit): Promise<[number, string]> {
  const response = await fetch(url, init);
  return [response.status, await response.text()];
}

describe('workers', () => {
  it('start with the first request, and more come as they are needed', async () => {
    const application = python({ workers: 2 });
    const { url } = await serve(application);
    expect(application.pids).toHaveLength(0);
    await fetch(`${url}/pid`);
    expect(application.pids).toHaveLength(1);
    await Promise.all([fetch(`${url}/sleep?0.5`), fetch(`${url}/sleep?0.5`), fetch(`${url}/sleep?0.5`)]);
    expect(application.pids).toHaveLength(2);
  });

  it('start at once with eager, and stay', async () => {
    const application = python({ workers: 2, eager: true });
    await application.ready();
    expect(application.pids).toHaveLength(2);
    const { url } = await serve(application);
    const [first = 0] = application.pids;
    process.kill(first, 'SIGKILL');
    await until(() => application.pids.length === 2 && !application.pids.includes(first), 'another worker');
    expect((await fetch(`${url}/pid`)).status).toBe(200);
  });

  it('serve several requests at once in threads', async () => {
    const { url } = await serve(python({ threads: 4 }));
    const both = await Promise.all([statusAndText(`${url}/concurrent`), statusAndText(`${url}/concurrent`)]);
    expect(both).toEqual([
      [200, '2 threads'],
      [200, '2 threads'],
    ]);
    const environ = JSON.parse((await statusAndText(`${url}/environ`))[1]);
    expect(environ['wsgi.multithread']).toBe(true);
  });

  it('know that there are others', async () => {
    const { url } = await serve(python({ workers: 2 }));
    expect(JSON.parse((await statusAndText(`${url}/environ`))[1])['wsgi.multiprocess']).toBe(true);
  });

  it('are replaced after a number of requests, without a gap', async () => {
    const application = python({ maxRequests: 5, maxRequestsJitter: 2 });
    const { url } = await serve(application);
    const pids = new Set<string>();
    for (let count = 0; count < 60; count += 1) {
      const [status, pid] = await statusAndText(`${url}/pid`);
      expect(status).toBe(200);
      pids.add(pid);
      if (count % 10 === 9) await until(() => application.pids.length === 1 || pids.size > 0);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(pids.size).toBeGreaterThan(2);
    await until(() => [...pids].filter((pid) => isAlive(Number(pid))).length <= 2, 'the end of old workers');
  });

  it('are replaced when they crash: the request gets 502, the next one an answer', async () => {
    const lines: string[] = [];
    const { url, errors } = await serve(python({ log: (line) => lines.push(line) }));
    const [status] = await statusAndText(`${url}/die`);
    expect(status).toBe(502);
    expect((await statusAndText(`${url}/pid`))[0]).toBe(200);
    await expect(statusAndText(`${url}/die_late`)).rejects.toThrow();
    expect((await statusAndText(`${url}/pid`))[0]).toBe(200);
    expect(errors()).toContain('WSGI_ERR_UPSTREAM_ENDED');
    expect(lines.join('\n')).toMatch(/Worker \d+ of probe:app: .*exit code 3/);
  });

  it('are killed between requests without a loss', async () => {
    const application = python();
    const { url } = await serve(application);
    for (let count = 0; count < 4; count += 1) {
      const [, pid] = await statusAndText(`${url}/pid`);
      process.kill(Number(pid), 'SIGKILL');
      // Until the system has ended it.
      await new Promise((resolve) => setTimeout(resolve, count % 2 === 0 ? 0 : 30));
      const [status] = await statusAndText(`${url}/pid`);
      // A signal that is still under way may hit the next request; that is a 502 and no hang.
      expect([200, 502]).toContain(status);
    }
  });

  it('leave by SIGTERM after their request, and another one comes', async () => {
    const application = python();
    const { url } = await serve(application);
    const [, pid] = await statusAndText(`${url}/pid`);
    const slow = statusAndText(`${url}/sleep?0.4`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    process.kill(Number(pid), 'SIGTERM');
    expect(await slow).toEqual([200, 'slept']);
    await until(() => !isAlive(Number(pid)), 'the end of the worker');
    expect((await statusAndText(`${url}/pid`))[0]).toBe(200);
  });

  it('are replaced when they are silent: 504', async () => {
    const lines: string[] = [];
    const application = python({ timeout: 300, log: (line) => lines.push(line) });
    const { url } = await serve(application);
    const [, pid] = await statusAndText(`${url}/pid`);
    expect((await statusAndText(`${url}/spin`))[0]).toBe(504);
    expect((await statusAndText(`${url}/pid`))[0]).toBe(200);
    await until(() => !isAlive(Number(pid)), 'the end of the worker');
    expect(lines.join('\n')).toMatch(/is replaced: GET \/spin is silent for 300 ms/);
  });

  it('are not silent while the client is slow', async () => {
    const { url } = await serve(python({ timeout: 200 }));
    const response = await fetch(`${url}/down?3000000`);
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect((await response.arrayBuffer()).byteLength).toBe(3_000_000);
    let size = 0;
    const slow = new ReadableStream({
      async pull(controller) {
        if (size === 3) return controller.close();
        size += 1;
        await new Promise((resolve) => setTimeout(resolve, 300));
        controller.enqueue(new Uint8Array(10));
      },
    });
    // Undici needs `duplex` for a stream, and its type is not in the DOM's.
    const init = { method: 'POST', body: slow, duplex: 'half' } as RequestInit;
    expect(await statusAndText(`${url}/up`, init)).toEqual([200, '30']);
  });
});

it.each([200_000, 262_144, 1_000_000, 3_000_000])(
  'takes content of %i octets that comes in one piece',
  async (size) => {
    const content = Buffer.alloc(size, 'piece ');
    const client = createClient(python({ timeout: 5_000 }));
    for (const path of ['/echo', '/up', '/echo_stream']) {
      const response = await client.post(path, { content });
      const expected = path === '/up' ? `${size}` : content.toString();
      expect([path, response.statusCode, (await response.text()) === expected]).toEqual([path, 200, true]);
    }
  },
);

describe('the line', () => {
  it('starts workers though nobody may wait', async () => {
    const { url } = await serve(python({ maxQueue: 0 }));
    const { status, headers } = await fetch(`${url}/pid`);
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    await until(async () => (await fetch(`${url}/pid`)).status === 200, 'a worker');
  });

  it('answers 503 with Retry-After when it is full', async () => {
    const { url } = await serve(python({ maxQueue: 1 }));
    await fetch(`${url}/pid`);
    const first = fetch(`${url}/sleep?0.3`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const second = fetch(`${url}/pid`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const third = await fetch(`${url}/pid`);
    expect([third.status, third.headers.get('retry-after')]).toEqual([503, '1']);
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
  });

  it('answers 503 to those that have waited too long', async () => {
    const { url } = await serve(python({ timeout: 400 }));
    const busy = fetch(`${url}/ticks`);
    await (await busy).body?.getReader().read();
    expect((await statusAndText(`${url}/pid`))[0]).toBe(503);
  });

  it('gives the places of those whose clients have left to others, at once', async () => {
    const { url } = await serve(python({ maxQueue: 1 }));
    await fetch(`${url}/pid`);
    const slow = fetch(`${url}/sleep?1.5`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    // The place is taken while the client waits.
    await leave(url, '/body?dropped', () => new Promise((resolve) => setTimeout(resolve, 150)));
    await new Promise((resolve) => setTimeout(resolve, 150));
    const other = fetch(`${url}/closed`);
    expect((await other).status).toBe(200);
    expect((await slow).status).toBe(200);
  });

  it('drops those whose clients have left', async () => {
    const { url } = await serve(python());
    await fetch(`${url}/pid`);
    const slow = fetch(`${url}/sleep?1.5`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await leave(url, '/body?dropped', () => new Promise((resolve) => setTimeout(resolve, 100)));
    await slow;
    expect(await statusAndText(`${url}/closed`)).toEqual([200, '[]']);
  });
});

describe('an application that cannot be loaded', () => {
  it.each([
    [{ application: 'no_such:app' }, 'there is no module no_such in'],
    [{ application: 'no/such.py:app' }, 'there is no file no/such.py'],
    [{ application: 'probe:no_such' }, 'probe has no attribute no_such; callables in it: '],
    [{ application: 'slow_import', startTimeout: 300 }, 'slow_import was not loaded in 300 ms'],
    [{ application: 'probe:number' }, 'probe:number is not callable, but of type int'],
    [{ application: 'probe:asgi' }, 'pip install a2wsgi'],
    [{ application: 'probe:asgi_instance' }, 'probe:asgi_instance is an ASGI application'],
    [{ application: 'broken_import:app' }, "ModuleNotFoundError: No module named 'no_such_module_anywhere'"],
    [{ application: 'broken_setup:app' }, 'RuntimeError: the database is not there'],
    [{ application: 'broken_syntax:app' }, 'SyntaxError'],
    [{ python: 'no-such-python' }, 'there is no interpreter no-such-python: install'],
    [{ folder: '/no/such/folder', python: PYTHON }, 'there is no folder /no/such/folder (option folder)'],
  ])('%j says why', async (options, message) => {
    const application = python(options);
    const failure: unknown = await application.ready().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'WSGI_ERR_UPSTREAM_UNAVAILABLE', statusCode: 502 });
    expect(String(failure)).toContain(message);
    await until(() => application.pids.length === 0, 'the end of the worker');
  });

  it('shows the traceback from the user’s own file on', async () => {
    const { url, errors } = await serve(python({ application: 'broken_setup:app' }));
    expect((await statusAndText(url))[0]).toBe(502);
    const shown = errors();
    expect(shown).toMatch(/File ".*broken_setup\.py", line 5, in <module>\n +configure\(\)/);
    expect(shown).toContain('RuntimeError: the database is not there');
    expect(shown).not.toMatch(/gatebridge_worker|importlib/);
    // At once, and from then on with growing pauses.
    for (let count = 0; count < 5; count += 1) expect((await statusAndText(url))[0]).toBe(502);
  });

  it('may be a factory, a class, a file, or have no attribute', async () => {
    for (const options of [
      { application: 'probe:make_app', factory: true },
      { application: 'probe' },
      { application: 'probe.py' },
      { application: join(APPS, 'probe.py:app'), folder: '/' },
    ]) {
      const client = createClient(python(options));
      expect((await client.get('/pid')).statusCode).toBe(200);
    }
  });
});

describe('options', () => {
  it('are checked', () => {
    const make = (options: object) => () => fromPython(options as { application: string });
    expect(make({})).toThrow("Option application must be text such as 'shop.wsgi:application'");
    expect(make({ application: 'a:b', processes: 3 })).toThrow('did you mean workers?');
    expect(make({ application: 'a:b', venv: 3 })).toThrow('did you mean virtualenv?');
    expect(make({ application: 'a:b', workers: 0 })).toThrow('Option workers must be 1 or more');
    expect(make({ application: 'a:b', folder: '/no/such', virtualenv: 'env' })).toThrow(
      'Option folder: there is no folder /no/such',
    );
    expect(make({ application: 'a:b', virtualenv: '/no/such' })).toThrow(
      'there is no file /no/such/bin/python',
    );
    expect(make({ application: 5 })).toThrow('Option application must be text');
    // As a caller in JavaScript may do it.
    expect(make('shop:app' as never)).toThrow(
      'Options must be an object such as { application: "shop:app" }',
    );
    const application = python();
    expect(() => application({} as never, undefined as never)).toThrow('mount it by toExpress(application)');
  });

  it('set environment variables, and remove some', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatebridge-python-'));
    afterTest(() => rmSync(folder, { recursive: true }));
    writeFileSync(
      join(folder, 'shows.py'),
      'import os, sys\ndef app(environ, start_response):\n  start_response("200 OK", [])\n' +
        '  return [repr([os.environ.get("ADDED"), os.environ.get("HOME"), os.getcwd() == sys.path[0], sys.argv[1:]]).encode()]\n',
    );
    const application = python({ folder, application: 'shows:app', env: { ADDED: 'yes', HOME: undefined } });
    expect(await (await createClient(application).get('/')).text()).toBe("['yes', None, True, []]");
  });

  it('add keys to the environ: pairs, or a function of it', async () => {
    const pairs = python({ environ: { REMOTE_USER: 'ada', 'shop.tenant': 'north', HTTP_X_GONE: undefined } });
    const client = createClient(pairs);
    const shown = JSON.parse(await (await client.get('/environ', { headers: { 'X-Gone': 'x' } })).text());
    expect(shown).toMatchObject({ REMOTE_USER: 'ada', 'shop.tenant': 'north' });
    expect(shown).not.toHaveProperty('HTTP_X_GONE');

    const byRequest = python({ environ: (environ) => ({ REMOTE_USER: `user of ${environ.PATH_INFO}` }) });
    expect(JSON.parse(await (await createClient(byRequest).get('/environ')).text()).REMOTE_USER).toBe(
      'user of /environ',
    );
    const wrong = python({ environ: () => ({ REMOTE_USER: 5 }) });
    await expect(createClient(wrong).get('/environ')).rejects.toThrow(
      'Option environ gives REMOTE_USER a value that is no text',
    );
    const wide = python({ environ: () => ({ REMOTE_USER: '中' }) });
    await expect(createClient(wide).get('/environ')).rejects.toThrow(
      'REMOTE_USER of the environ is no native string: use encodeNative("中")',
    );
  });

  it('reload the application when a file of it changes, also after a mistake', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatebridge-python-'));
    afterTest(() => rmSync(folder, { recursive: true }));
    const say = (text: string) =>
      writeFileSync(join(folder, 'parts.py'), `TEXT = b"${text}"\n# ${'x'.repeat(Math.random() * 50)}\n`);
    say('one');
    writeFileSync(
      join(folder, 'whole.py'),
      'import parts\ndef app(environ, start_response):\n  start_response("200 OK", [])\n  return [parts.TEXT]\n',
    );
    const application = python({
      folder,
      application: 'whole:app',
      reload: true,
      env: { PYTHONDONTWRITEBYTECODE: '1' },
    });
    const { url } = await serve(application);
    expect(await statusAndText(url)).toEqual([200, 'one']);
    say('two');
    await until(async () => (await statusAndText(url))[1] === 'two', 'the new text');
    writeFileSync(join(folder, 'parts.py'), 'TEXT = \n');
    await until(async () => (await statusAndText(url))[0] === 502, 'the mistake');
    say('three');
    await until(async () => (await statusAndText(url))[1] === 'three', 'the mended text');
  });
});

describe('close()', () => {
  it('serves what is under way, and ends every worker', async () => {
    const application = python({ workers: 2 });
    // Without sockets, so that all requests are there.
    const client = createClient(application);
    const pid = Number(await (await client.get('/pid')).text());
    const slow = ['/sleep?0.4', '/sleep?0.4', '/sleep?0.1'].map(async (path) =>
      (await client.get(path)).text(),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { pids } = application;
    await application.close();
    expect(await Promise.all(slow)).toEqual(['slept', 'slept', 'slept']);
    expect(pids).toContain(pid);
    expect(pids.filter(isAlive)).toEqual([]);
    await expect(client.get('/pid')).rejects.toThrow('the application was closed');
    await expect(application.ready()).rejects.toThrow('the application was closed');
    await application.close();
  });

  it('ends workers that do not end', async () => {
    const application = python({ shutdownTimeout: 300 });
    const { url } = await serve(application);
    await fetch(`${url}/pid`);
    const stuck = statusAndText(`${url}/spin`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { pids } = application;
    await application[Symbol.asyncDispose]();
    expect((await stuck)[0]).toBe(502);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('has nothing to do if nothing was started', async () => {
    await python().close();
  });
});
