/** WordPress of Debian with MariaDB, installed and used in a browser below a mount: links without a script's name, REST, uploads. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { CODE_HOSTS } from '../git-site.ts';
import type { PhpSite } from '../php-site.ts';
import { serveSite, siteOf } from './debian.ts';
import { startMariaDb } from './mariadb.ts';
import { writePicture } from './picture.ts';
import { Visitor } from './visitor.ts';

const THEMES = '/var/lib/wordpress/wp-content/themes';

/** Settings, as a user would write them. Nothing is asked of other sites. */
const CONFIG = (socket: string): string => `<?php
define('DB_NAME', 'wordpress');
define('DB_USER', 'ada');
define('DB_PASSWORD', 'lovelace');
define('DB_HOST', 'localhost:${socket}');
define('DB_CHARSET', 'utf8mb4');
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {
  define($name . '_KEY', 'key of ' . $name);
  define($name . '_SALT', 'salt of ' . $name);
}
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('WP_AUTO_UPDATE_CORE', false);
$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
`;

/** Believes the host: who is REMOTE_USER is logged in to the interface for programs. */
const PLUGIN = `<?php
add_filter('determine_current_user', function ($user) {
  $found = get_user_by('login', $_SERVER['REMOTE_USER'] ?? '');
  return $found ? $found->ID : $user;
}, 30);
add_filter('pre_option_show_avatars', fn () => '0');
`;

async function wordPress(context: TestContext): Promise<PhpSite> {
  const socket = await startMariaDb(context, 'wordpress');
  const php = siteOf(context, '/usr/share/wordpress');
  if (existsSync(THEMES)) execFileSync('cp', ['-rL', THEMES, join(php.root, 'wp-content')]);
  php.write('wp-config.php', CONFIG(socket));
  php.write('wp-content/mu-plugins/remote-user.php', PLUGIN);
  // It asks itself while it is installed.
  await php.start(6);
  return php;
}

describe.runIf(process.env.TOUR).each(CODE_HOSTS)('WordPress on $name', (host) => {
  it('is installed, written in, given a picture and a comment, and left', async (context) => {
    const php = await wordPress(context);
    const site = await serveSite(context, host, { php, fallback: 'index.php' });
    const visitor = await Visitor.come(context, site.url);
    await visitor.goto('/');
    expect(await visitor.place()).toBe('/wp-admin/install.php');
    await visitor.fill({
      ...{ '#weblog_title': 'Notes on the Engine', '#user_login': 'ada', '#admin_email': 'ada@site.test' },
      '#pass1': 'a long password of Lovelace, 1843',
    });
    await visitor.follow('#submit');
    expect(await visitor.text()).toContain('Success!');
    await visitor.followText('Log In');
    await visitor.fill({ '#user_login': 'ada', '#user_pass': 'wrong' });
    await visitor.follow('#wp-submit');
    expect(await visitor.text()).toContain('is incorrect');
    await visitor.fill({ '#user_login': 'ada', '#user_pass': 'a long password of Lovelace, 1843' });
    await visitor.follow('#wp-submit');
    expect(await visitor.place()).toBe('/wp-admin/');
    expect(await visitor.text()).toContain('Howdy, ada');

    // The editor saves through the interface for programs, below a path that no script has.
    await visitor.goto('/wp-admin/post-new.php');
    await visitor.page.until('window.wp?.data?.select("core/editor")?.getCurrentPostId() > 0');
    const link = await visitor.page.evaluate(`(async () => {
      const { editPost, savePost } = wp.data.dispatch('core/editor');
      await editPost({ title: 'Größe der Engine', content: '<!-- wp:paragraph --><p>für Ada</p><!-- /wp:paragraph -->',
        status: 'publish' });
      await savePost();
      return wp.data.select('core/editor').getPermalink();
    })()`);
    // While it was installed it has found out that links work without index.php.
    expect(link).toMatch(new RegExp(`^${site.url}/\\d{4}/\\d\\d/\\d\\d/gro\\w+-der-engine/$`));
    await visitor.page.goto(`${link}`);
    expect(await visitor.text()).toContain('für Ada');
    await visitor.fill({ '#comment': 'A comment: Bernoulli' });
    await visitor.follow('#commentform [type=submit]');
    expect(await visitor.text()).toContain('A comment: Bernoulli');
    expect(await visitor.place()).toContain('-der-engine/#comment-');

    await visitor.goto('/wp-admin/media-new.php?browser-uploader');
    await visitor.page.attach('#async-upload', writePicture(php.folder, 'engine.png'));
    await visitor.follow('#html-upload');
    expect(await visitor.place()).toMatch(/^\/wp-admin\/upload\.php/);
    const credentials = { authorization: `Basic ${Buffer.from('ada:').toString('base64')}` };
    const read = async (path: string, headers = {}): Promise<unknown> =>
      (await fetch(site.url + path, { headers })).json();
    const [media] = Object(await read('/wp-json/wp/v2/media'));
    expect(media.source_url).toMatch(
      new RegExp(`^${site.url}/wp-content/uploads/\\d{4}/\\d\\d/engine\\.png$`),
    );
    const picture = await fetch(media.source_url);
    expect(picture.headers.get('content-type')).toBe('image/png');
    // The user of the host, or nobody.
    expect(await read('/wp-json/wp/v2/users/me', credentials)).toMatchObject({ name: 'ada' });
    expect(await read('/wp-json/wp/v2/users/me')).toMatchObject({ code: 'rest_not_logged_in' });

    expect((await fetch(`${site.url}/no-such-page/`)).status).toBe(404);
    const folder = await fetch(`${site.url}/wp-admin`, { redirect: 'manual' });
    expect(folder.headers.get('location')).toBe('/code/wp-admin/');
    expect(await (await fetch(`${site.url}/feed/`)).text()).toContain('<rss');
    expect(await (await fetch(`${site.url}/index.php/feed/`)).text()).toContain('<rss');
    expect(await (await fetch(`${site.url}/wp-config.php`)).text()).toBe('');

    await visitor.page.goto(
      String(await visitor.page.evaluate("document.querySelector('#wp-admin-bar-logout a').href")),
    );
    expect(await visitor.place()).toContain('/wp-login.php?loggedout=true');
    // Pictures of the guide through its editor are elsewhere.
    visitor.expectSound({ beside: ['https://s.w.org/images/'], known: /s\.w\.org/ });
    expect(site.log(/Undefined variable \$upload_/)).toBe('');
  }, 180_000);
});
