/** Django of Debian through fromPython, with its admin in a browser. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import type { PythonApplication } from '../../bridges/python/index.ts';
import { afterTest, expectUpload, HOSTS, python } from '../bridges/python/python-site.ts';
import { Browser } from '../support/browser.ts';
import { requirePeer } from '../support/peer.ts';
import { requirePython, SITES } from './python/require-python.ts';

/** Makes the site with its database. */
function django(context: TestContext): PythonApplication {
  const interpreter = requirePython(context, 'django');
  const folder = mkdtempSync(join(tmpdir(), 'gatebridge-django-'));
  afterTest(() => rmSync(folder, { recursive: true }));
  const env = { SITE_FOLDER: folder, PYTHONDONTWRITEBYTECODE: '1' };
  execFileSync(interpreter, [join(SITES, 'django_site.py')], { env: { ...process.env, ...env } });
  return python({ application: 'django_site:application', folder: SITES, env, threads: 4 });
}

/** Each host in the tour; elsewhere the mount of Express, which has a SCRIPT_NAME. */
const SERVED = Object.entries(HOSTS).filter(([name]) => name === 'Express' || process.env.TOUR !== undefined);

describe.each(SERVED)('on %s', (_name, serve) => {
  it('Django makes URLs, takes files, streams, and lets its admin be used in a browser', async (context) => {
    const chromium = requirePeer(context, 'chromium', 'chromium-browser', 'google-chrome');
    const { url, mount, errors } = await serve(django(context));
    const text = async (path: string, init?: RequestInit): Promise<string> =>
      (await fetch(url + path, init)).text();

    expect(await text('/hello/caf%C3%A9')).toBe('Hello café');
    expect(JSON.parse(await text('/links'))).toEqual({ path: `${mount}/hello/Ada`, whole: `${url}/admin/` });
    expect((await fetch(`${url}/no-such`)).status).toBe(404);
    // Larger than what Django keeps in memory: it becomes a temporary file.
    await expectUpload(`${url}/upload`, Buffer.alloc(3_000_000, 'content'));
    expect((await text('/stream')).split('\n')).toHaveLength(1001);
    expect(await text('/source')).toContain('def source(request):');
    expect((await fetch(`${url}/fail`)).status).toBe(500);
    const first = await fetch(`${url}/visits`);
    const [cookie = ''] = first.headers.getSetCookie();
    expect(await text('/visits', { headers: { Cookie: cookie.split(';')[0] ?? '' } })).toBe('2');

    const browser = await Browser.launch(chromium);
    afterTest(() => browser.close());
    const page = await browser.open('about:blank', { width: 1280, scheme: 'light' });
    await page.goto(`${url}/admin/`);
    expect(await page.evaluate('location.pathname')).toBe(`${mount}/admin/login/`);
    await page.evaluate(`document.querySelector('[name=username]').value = 'ada';
      document.querySelector('[name=password]').value = 'lovelace';
      document.querySelector('form').submit()`);
    await page.until(`location.pathname === '${mount}/admin/' && document.readyState === 'complete'`);
    expect(await page.evaluate('document.title')).toBe('Site administration | Django site admin');
    // The stylesheet has come: without it the header has no colour.
    expect(
      await page.evaluate("getComputedStyle(document.querySelector('#header')).backgroundColor"),
    ).not.toBe('rgba(0, 0, 0, 0)');
    await page.goto(`${url}/admin/auth/group/add/`);
    await page.evaluate(
      "document.querySelector('[name=name]').value = 'Editors'; document.querySelector('[name=_save]').click()",
    );
    await page.until(
      `location.pathname === '${mount}/admin/auth/group/' && document.body.innerText.includes('Editors')`,
    );
    expect(errors()).not.toContain('Traceback');
  }, 60_000);
});
