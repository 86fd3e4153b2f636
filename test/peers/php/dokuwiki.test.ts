/** DokuWiki of Debian, installed and used in a browser. Its pages are paths behind a script, or rewritten. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { type Application, toApplication } from '../../../src/index.ts';
import { CODE_HOSTS } from '../git-site.ts';
import type { PhpSite } from '../php-site.ts';
import { kindsOn, serveSite, siteOf } from './debian.ts';
import { writePicture } from './picture.ts';
import { Visitor } from './visitor.ts';

/** Makes a copy with the folders of settings and data where DokuWiki has them by itself. @param rewriting The kind of its URLs */
function dokuWiki(context: TestContext, rewriting: number): PhpSite {
  const php = siteOf(context, '/usr/share/dokuwiki');
  rmSync(join(php.root, 'inc/preload.php'));
  for (const [from, to] of [
    ['/etc/dokuwiki', 'conf'],
    ['/var/lib/dokuwiki/data', 'data'],
  ] as const)
    execFileSync('cp', ['-r', from, join(php.root, to)]);
  for (const name of ['local.php', 'users.auth.php', 'acl.auth.php'])
    rmSync(join(php.root, 'conf', name), { force: true });
  // Settings that nobody changes in the browser. By Debian's it would keep its pages in /var/lib.
  php.write(
    'conf/local.protected.php',
    `<?php $conf['savedir'] = './data'; $conf['userewrite'] = ${rewriting}; $conf['useslash'] = 1;`,
  );
  return php;
}

/** Folders that are not for the web: DokuWiki has a file `.htaccess` in each, which counts for Apache alone. */
const PRIVATE = /^\/+(?:bin|conf|data|inc|vendor)(?:\/|$)/;

function guarded(application: Application): Application {
  const inner = toApplication(application);
  return (environ, startResponse) => {
    if (!PRIVATE.test(environ.PATH_INFO)) return inner(environ, startResponse);
    startResponse('404 Not Found', []);
    return [];
  };
}

/** The rules that DokuWiki gives for servers, in front of the application. */
function rewritten(application: Application): Application {
  const inner = toApplication(application);
  return (environ, startResponse) => {
    const { PATH_INFO, QUERY_STRING = '' } = environ;
    const [, kind, id] = /^\/(?!lib\/|\w+\.php)(_media\/|_detail\/|)(.+)$/s.exec(PATH_INFO) ?? [];
    if (id === undefined) return inner(environ, startResponse);
    const script = { '_media/': '/lib/exe/fetch.php', '_detail/': '/lib/exe/detail.php' }[`${kind}`];
    const name = script === undefined ? 'id' : 'media';
    // The path is a native string: octets as characters.
    const value = encodeURIComponent(Buffer.from(id, 'latin1').toString());
    const query = `${name}=${value}${QUERY_STRING && '&'}${QUERY_STRING}`;
    return inner({ ...environ, PATH_INFO: script ?? '/doku.php', QUERY_STRING: query }, startResponse);
  };
}

const KINDS = [
  { kind: 'queries', rewriting: 0, around: guarded },
  { kind: 'paths behind a script', rewriting: 2, around: guarded },
  { kind: 'rewritten paths', rewriting: 1, around: (one: Application) => guarded(rewritten(one)) },
];

describe.runIf(process.env.TOUR).each(CODE_HOSTS)('DokuWiki on $name', (host) => {
  it.for(kindsOn(host, KINDS))(
    'is installed, edited and given a picture: $kind',
    { timeout: 90_000 },
    async (one, context) => {
      const { rewriting, around } = one;
      const php = dokuWiki(context, rewriting);
      await php.start();
      const site = await serveSite(context, host, { php, index: 'doku.php', around });
      const visitor = await Visitor.come(context, site.url);
      await visitor.goto('/install.php');
      await visitor.fill({
        ...{
          '#title': 'Notes on the Engine',
          '#superuser': 'ada',
          '#fullname': 'Ada',
          '#email': 'ada@site.test',
        },
        ...{ '#password': 'lovelace', '#confirm': 'lovelace', '#policy': '1', '#pop': false },
      });
      await visitor.follow('#process [type=submit]');
      expect(await visitor.text()).toContain('finished successfully');
      await visitor.goto('/');
      const place = ['/doku.php?id=', '/', '/doku.php/'][rewriting];
      await visitor.followText('Log In');
      await visitor.fill({ '[name=u]': 'ada', '[name=p]': 'wrong' });
      await visitor.follow('#dw__login [type=submit]');
      expect(await visitor.text()).toContain('username or password was wrong');
      await visitor.fill({ '[name=u]': 'ada', '[name=p]': 'lovelace' });
      await visitor.follow('#dw__login [type=submit]');
      expect(await visitor.text()).toContain('Logged in as: Ada');

      await visitor.goto('/lib/exe/mediamanager.php');
      await visitor.page.attach('[type=file]', writePicture(php.folder, 'engine.png'));
      await visitor.page.until("document.querySelector('.qq-upload-list li') !== null");
      await visitor.page.evaluate("document.querySelector('#mediamanager__upload_button').click()");
      await visitor.page.until("document.querySelector('.qq-upload-success') !== null");
      await visitor.goto(`${place}notes/größe`);
      await visitor.follow('li.edit a, li.create a');
      await visitor.fill({ '#wiki__text': '====== Bernoulli ======\n{{:engine.png}} [[:start]] für Ada\n' });
      await visitor.follow('[name="do[save]"]');
      expect(await visitor.text()).toContain('für Ada');
      expect(await visitor.place()).toMatch(/notes[:/]groesse/);

      await visitor.goto(`${place}notes/größe`);
      await visitor.page.until("document.querySelector('img.media')?.naturalWidth === 8");
      // Styles and scripts have come, which scripts of PHP gather.
      expect(await visitor.page.evaluate('typeof jQuery + typeof dw_page')).toBe('functionobject');
      await visitor.follow('.wikilink2, .wikilink1');
      expect(await visitor.place()).toBe(`${place}start`);

      await visitor.follow('li.logout a');
      expect(await visitor.text()).toContain('Log In');
      // It tests that its data is not for the web.
      visitor.expectSound({ known: /dont-panic-if-you-see-this|403 \(Login failed\)/ });
      const statusOf = async (path: string): Promise<number> => (await fetch(site.url + path)).status;
      expect(await statusOf('/lib/images/smileys/confused.svg')).toBe(200);
      for (const path of ['/conf/users.auth.php', '/data/pages/notes/gr%C3%B6%C3%9Fe.txt', '//inc/init.php'])
        expect.soft([path, await statusOf(path)]).toEqual([path, 404]);
      expect(site.log(/Undefined variable \$fullscreen/)).toBe('');
    },
  );
});
