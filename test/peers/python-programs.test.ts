/** WSGI applications of Debian that other people wrote, each below a mount of Express: a view of git, calendars, maps. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { afterTest, HOSTS, python } from '../bridges/python/python-site.ts';
import { Browser } from '../support/browser.ts';
import { requirePeer } from '../support/peer.ts';
import { requirePython, SITES } from './python/require-python.ts';

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-program-'));
  afterTest(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** Each host in the tour; elsewhere the mount of Express, which has a SCRIPT_NAME. */
const SERVED = Object.entries(HOSTS).filter(([name]) => name === 'Express' || process.env.TOUR !== undefined);

describe.each(SERVED)('on %s', (_name, serve) => {
  it('klaus shows a repository, and git clones it', async (context) => {
    requirePython(context, 'klaus');
    const git = requirePeer(context, 'git');
    const folder = makeFolder();
    const run = (cwd: string, ...parameters: string[]): string =>
      execFileSync(git, ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.test', ...parameters], {
        cwd,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    const repository = join(folder, 'engine');
    run(folder, 'init', '--quiet', repository);
    writeFileSync(join(repository, 'notes.txt'), 'Bernoulli numbers\n'.repeat(100));
    run(repository, 'add', '.');
    run(repository, 'commit', '--quiet', '-m', 'Add notes');
    const { url, mount } = await serve(
      python({
        application: 'klaus.contrib.wsgi:application',
        env: { KLAUS_REPOS: repository, KLAUS_SITE_NAME: 'Test', KLAUS_USE_SMARTHTTP: '1' },
      }),
    );
    const index = await (await fetch(`${url}/`)).text();
    expect(index).toContain(`${mount}/engine/`);
    expect(await (await fetch(`${url}/engine/`)).text()).toContain('Add notes');
    const branch = run(repository, 'rev-parse', '--abbrev-ref', 'HEAD').trim();
    expect(await (await fetch(`${url}/engine/blob/${branch}/notes.txt`)).text()).toContain('Bernoulli');
    // Asynchronous, because this very process serves the clone.
    await promisify(execFile)(git, ['clone', '--quiet', `${url}/engine`, join(folder, 'clone')]);
    expect(run(join(folder, 'clone'), 'log', '--format=%s')).toBe('Add notes\n');
  }, 60_000);

  it('Radicale keeps calendars of the user whom the host has authenticated', async (context) => {
    requirePython(context, 'radicale');
    const folder = makeFolder();
    const config = join(folder, 'config');
    writeFileSync(
      config,
      `[auth]\ntype = remote_user\n[storage]\nfilesystem_folder = ${folder}/data\n[logging]\nlevel = error\n`,
    );
    const { url, mount } = await serve(
      python({
        application: 'radicale:application',
        threads: 2,
        env: { RADICALE_CONFIG: config },
        environ: { REMOTE_USER: 'ada' },
      }),
    );
    const call = async (
      method: string,
      path: string,
      body?: string,
      headers = {},
    ): Promise<[number, string]> => {
      const response = await fetch(url + path, { method, headers, ...(body !== undefined && { body }) });
      return [response.status, await response.text()];
    };
    expect((await call('PROPFIND', '/ada/', undefined, { Depth: '0' }))[0]).toBe(207);
    expect((await call('MKCALENDAR', '/ada/work/'))[0]).toBe(201);
    const event = [
      'BEGIN:VCALENDAR',
      'VERSION:2.0',
      'PRODID:test',
      'BEGIN:VEVENT',
      'UID:one',
      'DTSTAMP:20260101T000000Z',
      'DTSTART:20260101T100000Z',
      'SUMMARY:Tea',
      'END:VEVENT',
      'END:VCALENDAR',
      '',
    ].join('\r\n');
    expect((await call('PUT', '/ada/work/one.ics', event, { 'Content-Type': 'text/calendar' }))[0]).toBe(201);
    expect((await call('GET', '/ada/work/one.ics'))[1]).toContain('SUMMARY:Tea');
    const [status, listed] = await call('PROPFIND', '/ada/work/', undefined, { Depth: '1' });
    expect(status).toBe(207);
    expect(listed).toContain(`<href>${mount}/ada/work/one.ics</href>`);
    expect((await call('GET', '/mallory/'))[0]).toBe(403);
    expect((await call('DELETE', '/ada/work/'))[0]).toBe(200);
  }, 60_000);

  it('MapProxy draws maps, and its pages know where they are', async (context) => {
    requirePython(context, 'mapproxy');
    const chromium = requirePeer(context, 'chromium', 'chromium-browser', 'google-chrome');
    const { url, mount } = await serve(
      python({
        application: 'map_site:application',
        folder: SITES,
        env: { SITE_FOLDER: makeFolder(), PYTHONDONTWRITEBYTECODE: '1' },
        threads: 4,
      }),
    );
    const capabilities = await (
      await fetch(`${url}/service?REQUEST=GetCapabilities&SERVICE=WMS&VERSION=1.1.1`)
    ).text();
    expect(capabilities).toContain('Maps of a test');
    expect(capabilities).toContain(`xlink:href="${url}/service?`);
    const map = await fetch(
      `${url}/service?REQUEST=GetMap&SERVICE=WMS&VERSION=1.1.1&LAYERS=plan&STYLES=&SRS=EPSG:3857&BBOX=0,0,1000000,1000000&WIDTH=300&HEIGHT=300&FORMAT=image/png`,
    );
    expect(map.headers.get('content-type')).toBe('image/png');
    expect(
      Buffer.from(await map.arrayBuffer())
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
    if (process.env.TOUR === undefined) return;
    const browser = await Browser.launch(chromium);
    afterTest(() => browser.close());
    const page = await browser.open('about:blank', { width: 1280, scheme: 'light' });
    await page.goto(`${url}/demo/`);
    expect(await page.evaluate('document.title')).toContain('MapProxy');
    expect(await page.evaluate("document.querySelector('img')?.src ?? ''")).toContain(
      `${mount}/demo/static/`,
    );
    await page.until('[...document.images].every((image) => image.naturalWidth > 0)');
  }, 60_000);
});
