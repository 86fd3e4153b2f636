/** MediaWiki of Debian with SQLite, installed and used in a browser. Its pages are paths behind index.php, or below a name of their own. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { CODE_HOSTS } from '../git-site.ts';
import type { PhpSite } from '../php-site.ts';
import { kindsOn, linkedSiteOf, serveSite } from './debian.ts';
import { writePicture } from './picture.ts';
import { Visitor } from './visitor.ts';

/** Where pages are, by the setting of MediaWiki. */
const ARTICLES = [
  { path: '/index.php/$1', start: '/index.php/' },
  { path: '/wiki/$1', start: '/wiki/' },
];

function mediaWiki(context: TestContext): PhpSite {
  const php = linkedSiteOf(context, '/usr/share/mediawiki', ['LocalSettings.php', 'images']);
  for (const folder of [join(php.folder, 'data'), join(php.root, 'cache'), join(php.root, 'images')])
    mkdirSync(folder, { recursive: true });
  return php;
}

/** Goes through the pages of the installer, and puts its settings where they belong. */
async function install(visitor: Visitor, php: PhpSite): Promise<void> {
  const proceed = (): Promise<void> => visitor.follow('[name=submit-continue]');
  await visitor.goto('/mw-config/index.php');
  await proceed();
  expect(await visitor.text()).toContain('The environment has been checked');
  await proceed();
  await visitor.fill({ '#DBType_sqlite': true, '[name=sqlite_wgSQLiteDataDir]': join(php.folder, 'data') });
  await proceed();
  await visitor.fill({
    ...{ '[name=config_wgSitename]': 'Notes on the Engine', '[name=config__AdminName]': 'Ada' },
    '[name=config__AdminPassword]': 'a long password of Lovelace',
    '[name=config__AdminPasswordConfirm]': 'a long password of Lovelace',
    '#config__SkipOptional_skip': true,
  });
  await proceed();
  await proceed();
  await visitor.page.until("document.body.innerText.includes('Creating main page with default content')");
  await proceed();
  expect(await visitor.text()).toContain('Congratulations!');
  const settings = await visitor.page.evaluate(
    'fetch(document.querySelector(\'a[href*="localsettings=1"]\').href).then((got) => got.text())',
  );
  php.write('LocalSettings.php', String(settings));
}

describe.runIf(process.env.TOUR).each(CODE_HOSTS)('MediaWiki on $name', (host) => {
  it.for(kindsOn(host, ARTICLES))(
    'is installed, edited and given a picture: $path',
    { timeout: 180_000 },
    async (one, context) => {
      const php = mediaWiki(context);
      await php.start(6);
      const site = await serveSite(context, host, {
        php,
        fallback: 'index.php',
        symlinks: 'follow',
        // Its scripts lie elsewhere.
        parameters: { MW_INSTALL_PATH: php.root },
      });
      const visitor = await Visitor.come(context, site.url);
      await install(visitor, php);
      appendFileSync(
        join(php.root, 'LocalSettings.php'),
        `\n$wgArticlePath = "$wgScriptPath${one.path}"; $wgUsePathInfo = true; $wgEnableUploads = true;
      $wgShowExceptionDetails = true; $wgAllowUserJs = false;\n`,
      );
      await visitor.goto('/');
      expect(await visitor.place()).toBe(`${one.start}Main_Page`);

      await visitor.goto(`${one.start}Special:UserLogin`);
      await visitor.fill({ '#wpName1': 'Ada', '#wpPassword1': 'wrong' });
      await visitor.follow('#wpLoginAttempt');
      expect(await visitor.text()).toContain('Incorrect username or password');
      await visitor.fill({ '#wpName1': 'Ada', '#wpPassword1': 'a long password of Lovelace' });
      await visitor.follow('#wpLoginAttempt');
      expect(await visitor.text()).toContain('Ada');

      await visitor.goto(`${one.start}Special:Upload`);
      await visitor.page.attach('#wpUploadFile', writePicture(php.folder, 'engine.png'));
      await visitor.fill({ '#wpDestFile': 'Engine.png' });
      await visitor.follow('[name=wpUpload]');
      expect(await visitor.place()).toBe(`${one.start}File:Engine.png`);
      // Titles that are hard for a path.
      for (const title of [
        'Größe/der Engine',
        '.NET',
        'A & B',
        'C++',
        'AC/DC',
        'index.php',
        'a.php/b',
        'What?',
        '100%',
      ]) {
        const path = `${one.start}${title.replaceAll(' ', '_').split('/').map(encodeURIComponent).join('/')}`;
        await visitor.goto(`${path}?action=edit`);
        await visitor.fill({ '#wpTextbox1': `für Ada: [[File:Engine.png]] of ${title}` });
        await visitor.follow('#wpSave');
        expect(await visitor.text()).toContain(`of ${title}`);
        await visitor.goto(path);
        expect.soft([title, await visitor.text()]).toEqual([title, expect.stringContaining(`of ${title}`)]);
        await visitor.page.until("document.querySelector('.mw-body-content img')?.naturalWidth === 8");
      }
      // Scripts that are loaded as modules have run.
      await visitor.page.until("mw.loader.getState('mediawiki.util') === 'ready'");
      const api = await fetch(`${site.url}/api.php?action=query&meta=siteinfo&format=json`);
      expect(Object(await api.json()).query.general).toMatchObject({
        script: '/code/index.php',
        scriptpath: '/code',
      });
      const rest = await fetch(`${site.url}/rest.php/v1/page/.NET`);
      expect(await rest.json()).toMatchObject({ title: '.NET' });
      const missing = await fetch(`${site.url}${one.start}No_such_page`);
      expect(missing.status).toBe(404);
      expect(await (await fetch(`${site.url}/LocalSettings.php`)).text()).not.toContain('Secret');

      await visitor.page.evaluate("location.href = document.querySelector('#pt-logout a').href");
      await visitor.page.until(
        "document.querySelector('[action*=UserLogout] [type=submit], #mw-content-text form button') !== null",
      );
      await visitor.follow('#mw-content-text form button');
      expect(await visitor.text()).toContain('You are now logged out');
      visitor.expectSound({ known: /is using the deprecated/ });
      expect(site.log()).toBe('');
    },
  );
});
