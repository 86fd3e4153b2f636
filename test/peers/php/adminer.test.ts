/** Adminer of Debian in front of a MariaDB, used in a browser. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CODE_HOSTS } from '../git-site.ts';
import { serveSite, siteOf } from './debian.ts';
import { startMariaDb } from './mariadb.ts';
import { Visitor } from './visitor.ts';

describe.runIf(process.env.TOUR).each(CODE_HOSTS)('Adminer on $name', (host) => {
  it('logs in to a database, makes and edits a table, takes and gives files, and logs out', async (context) => {
    const socket = await startMariaDb(context, 'engine');
    const php = siteOf(context);
    // Debian's way: a file of settings that includes the program.
    copyFileSync('/etc/adminer/conf.php', join(php.root, 'conf.php'));
    await php.start();
    const site = await serveSite(context, host, { php, index: 'conf.php' });
    const visitor = await Visitor.come(context, site.url);
    await visitor.goto('/');
    const logIn = async (password: string): Promise<void> => {
      await visitor.fill({
        '[name="auth[server]"]': `:${socket}`,
        '[name="auth[username]"]': 'ada',
        '[name="auth[password]"]': password,
        '[name="auth[db]"]': 'engine',
      });
      await visitor.follow('[type=submit]');
    };
    await logIn('wrong');
    expect(await visitor.text()).toContain('Access denied');
    // The browser tells of the status.
    expect(visitor.page.problems.splice(0)).toEqual([expect.stringContaining('403')]);
    await logIn('lovelace');
    expect(await visitor.text()).toContain('engine');

    await visitor.followText('SQL command');
    await visitor.page.click('pre.sqlarea');
    await visitor.page.type(
      "CREATE TABLE notes (id INT PRIMARY KEY AUTO_INCREMENT, text TEXT) CHARSET utf8mb4; INSERT INTO notes (text) VALUES ('Bernoulli, für Ada')",
    );
    // Its editor takes over the text when a key is released.
    await visitor.page.press(' ');
    await visitor.follow('[value=Execute]');
    expect(await visitor.text()).toContain('Query executed OK');
    await visitor.goto(`/?server=${encodeURIComponent(`:${socket}`)}&username=ada&db=engine&edit=notes`);
    await visitor.fill({ '[name="fields[text]"]': 'By the form' });
    await visitor.follow('[value=Save]');
    expect(await visitor.text()).toContain('By the form');

    const file = join(php.folder, 'more.sql');
    writeFileSync(file, "INSERT INTO notes (text) VALUES ('From a file');\n");
    await visitor.follow('#menu [href$="&import="]');
    await visitor.page.attach('[type=file]', file);
    await visitor.follow('[value=Execute]');
    await visitor.goto(`/?server=${encodeURIComponent(`:${socket}`)}&username=ada&db=engine&select=notes`);
    const text = await visitor.text();
    for (const said of ['Bernoulli, für Ada', 'By the form', 'From a file']) expect(text).toContain(said);
    // Its style comes by a query, and works.
    expect(await visitor.page.evaluate('document.styleSheets[0].cssRules.length')).toBeGreaterThan(50);
    await visitor.follow('#logout');
    expect(await visitor.text()).toContain('Logout successful');
    visitor.expectSound();
    expect(site.log()).toBe('');
  }, 90_000);
});
