/** phpLiteAdmin of Debian, used in a browser: a site of one script, with SQLite. The tour has it on each host. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CODE_HOSTS } from '../git-site.ts';
import { serveSite, siteOf } from './debian.ts';
import { Visitor } from './visitor.ts';

/** Each host in the tour; elsewhere the mount of Express. */
const SERVED = CODE_HOSTS.filter(({ name }) => name === 'an Express mount' || process.env.TOUR !== undefined);

describe.each(SERVED)('phpLiteAdmin on $name', (host) => {
  it('logs in, keeps a table, takes a file, and logs out', async (context) => {
    const php = siteOf(context, '/usr/share/phpliteadmin');
    const data = join(php.folder, 'data');
    mkdirSync(data);
    php.write(
      'phpliteadmin.config.php',
      `<?php $password = 'lovelace'; $directory = '${data}'; $subdirectories = false; $cookie_name = 'pla';`,
    );
    await php.start();
    const site = await serveSite(context, host, { php, index: 'phpliteadmin.php' });
    const visitor = await Visitor.come(context, site.url);
    await visitor.goto('/');
    await visitor.fill({ '[name=password]': 'wrong' });
    await visitor.followText('Log In');
    expect(await visitor.text()).toContain('Incorrect password');
    await visitor.fill({ '[name=password]': 'lovelace' });
    await visitor.followText('Log In');
    // It redirects to itself by PHP_SELF and the field Host.
    expect(await visitor.place()).toMatch(/^\/phpliteadmin\.php/);

    await visitor.fill({ '[name=new_dbname]': 'engine.sqlite' });
    await visitor.follow('[name=create_database] [type=submit]');
    await visitor.followText('SQL');
    await visitor.page.evaluate(
      `codeEditor.setValue("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO notes (text) VALUES ('Bernoulli numbers, für Ada')")`,
    );
    await visitor.follow('[name=query]');
    const file = join(php.folder, 'more.sql');
    writeFileSync(file, "INSERT INTO notes (text) VALUES ('From a file');\n");
    await visitor.followText('Import');
    await visitor.page.attach('[type=file]', file);
    await visitor.follow('[name=import]');
    await visitor.followText('notes');
    const text = await visitor.text();
    expect(text).toContain('Bernoulli numbers, für Ada');
    expect(text).toContain('From a file');
    await visitor.follow('[name=logout]');
    expect(await visitor.page.evaluate("document.querySelector('[name=password]') !== null")).toBe(true);
    visitor.expectSound({ beside: [`${site.origin}/javascript/`] });
    // The settings are PHP, and the sources of the program are never sent.
    expect(await (await fetch(`${site.url}/phpliteadmin.config.php`)).text()).toBe('');
    expect(site.log()).toBe('');
  }, 60_000);
});
