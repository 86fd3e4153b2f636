/** Applications of PHP that Debian has, copied to where a test may write. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { type FromFastCgiOptions, fromFastCgi } from '../../../bridges/fastcgi/index.ts';
import type { Application, Environ } from '../../../src/index.ts';
import { staticFiles } from '../../../src/middleware/index.ts';
import { requirePeer } from '../../support/peer.ts';
import type { CodeHost } from '../git-site.ts';
import { PHP_FPM, PhpSite } from '../php-site.ts';

/** A served application of PHP. */
export interface ServedSite {
  readonly php: PhpSite;
  /** The address of the application, with its mount and without a slash at the end. */
  readonly url: string;
  /** The scheme, host and port of the address. */
  readonly origin: string;
  /** What PHP has written for the operator. @param known Lines that are the application's own, and left out */
  log(known?: RegExp): string;
}

/** Files of Debian to which pages of its applications lead. */
const JAVASCRIPT = '/usr/share/javascript';

/** Makes a php-fpm with a copy of a folder of Debian as its root. The test removes both. */
export function siteOf(context: TestContext, folder?: string): PhpSite {
  const php = new PhpSite(requirePeer(context, ...PHP_FPM));
  context.onTestFinished(() => php.remove());
  if (folder === undefined) return php;
  // Copies what links lead to: Debian keeps settings and shared scripts elsewhere.
  execFileSync('cp', ['-rL', `${requirePeer(context, folder)}/.`, php.root], { stdio: 'ignore' });
  return php;
}

/** Makes a php-fpm whose root is full of links to a folder of Debian, as in /var/lib/mediawiki. @param except Names without a link */
export function linkedSiteOf(context: TestContext, folder: string, except: readonly string[]): PhpSite {
  const php = siteOf(context);
  for (const name of readdirSync(requirePeer(context, folder)))
    if (!except.includes(name)) symlinkSync(join(folder, name), join(php.root, name));
  return php;
}

/** Gives all kinds of an application for the mount of Express, and one for each other host. */
export function kindsOn<Kind>({ name }: CodeHost, kinds: readonly Kind[]): readonly Kind[] {
  return name === 'an Express mount' ? kinds : kinds.slice(-1);
}

/** How a site is served. */
export interface SiteOptions extends FromFastCgiOptions {
  /** Parameters besides REMOTE_USER. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Put around the application. */
  readonly around?: (application: Application) => Application;
}

/** Serves a site by a host, with its files. The user that the host knows is REMOTE_USER. */
export async function serveSite(
  context: TestContext,
  host: CodeHost,
  { php, parameters, around = (one) => one, ...options }: SiteOptions & { readonly php: PhpSite },
): Promise<ServedSite> {
  const logged: string[] = [];
  const errors = { write: (text: string) => logged.push(text), writelines() {}, flush() {} };
  const application = fromFastCgi({
    path: php.socket,
    root: php.root,
    files: staticFiles(php.root, { symlinks: options.symlinks }),
    environ: ({ REMOTE_USER }: Environ) => ({ ...parameters, REMOTE_USER, 'wsgi.errors': errors }),
    ...options,
  });
  const missing: Application = (_environ, startResponse) => {
    startResponse('404 Not Found', []);
    return [];
  };
  const beside = existsSync(JAVASCRIPT) ? { '/javascript': staticFiles(JAVASCRIPT)(missing) } : {};
  const { url, close } = await host.serve(around(application), beside);
  context.onTestFinished(async () => {
    await close();
    await application.close();
  });
  return {
    php,
    url,
    origin: new URL(url).origin,
    log: (known = /^$/) => logged.filter((line) => !known.test(line)).join(''),
  };
}
