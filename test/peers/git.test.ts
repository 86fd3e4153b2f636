/** git over HTTP, by git-http-backend, and cgit in a browser: CGI programs that many people run. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { fromCgi } from '../../bridges/cgi/index.ts';
import { staticFiles } from '../../src/middleware/index.ts';
import { validate } from '../../src/validate/index.ts';
import { requirePeer } from '../support/peer.ts';
import { CODE_HOSTS, GitSite } from './git-site.ts';

const BACKEND = '/usr/lib/git-core/git-http-backend';
const CGIT = '/usr/lib/cgit/cgit.cgi';

const ADA = `http.extraHeader=Authorization: Basic ${Buffer.from('ada:secret').toString('base64')}`;

/** Octets of a file that is pushed and fetched. */
const SIZE = process.env.TOUR ? 200_000_000 : 2_000_000;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanups.splice(0).reverse()) await cleanUp();
});

/** One host in the suite, all of them by `npm run tour`. */
const GIT_HOSTS = process.env.TOUR ? CODE_HOSTS : CODE_HOSTS.slice(1, 2);

describe.each(GIT_HOSTS)('git on $name', (host) => {
  it('clones, pushes and fetches', { timeout: 300_000 }, async (context) => {
    const site = new GitSite(requirePeer(context, 'git'));
    cleanups.push(() => site.remove());
    await site.create('project.git');
    const backend = fromCgi(requirePeer(context, BACKEND), {
      env: { GIT_PROJECT_ROOT: site.root, GIT_HTTP_EXPORT_ALL: '' },
      // Both ways for content of unknown length are tried.
      unknownLength: host.name.includes('Express') ? 'buffer' : 'stream',
    });
    const { url, close } = await host.serve(validate(backend));
    cleanups.push(close);
    const remote = `${url}/project.git`;

    await site.git('', 'clone', '--quiet', remote, 'ours');
    await site.git('', 'clone', '--quiet', remote, 'theirs');
    expect(readFileSync(join(site.folder, 'ours/README'), 'utf8')).toBe('Hello from the repository\n');

    const noise = GitSite.noise(SIZE);
    await site.commit('ours', 'noise', noise);
    // Without a user git-http-backend takes no push.
    await expect(site.git('ours', 'push', 'origin', 'main')).rejects.toThrow(/403/);
    // More than the buffer goes in the chunked coding.
    await site.git('ours', '-c', ADA, '-c', 'http.postBuffer=65536', 'push', '--quiet', 'origin', 'main');
    await site.git('ours', 'fetch', '--quiet');
    await site.git('theirs', 'pull', '--quiet', '--ff-only');
    expect(readFileSync(join(site.folder, 'theirs/noise')).equals(noise)).toBe(true);

    // A push of known length, and one more fetch.
    await site.commit('theirs', 'small', 'small\n');
    await site.git('theirs', '-c', ADA, 'push', '--quiet', 'origin', 'main');
    await site.git('ours', 'pull', '--quiet', '--ff-only');
    expect(existsSync(join(site.folder, 'ours/small'))).toBe(true);
    await site.git('', 'clone', '--quiet', '--depth=1', remote, 'shallow');
    await expect(site.git('', 'clone', '--quiet', `${url}/missing.git`, 'none')).rejects.toThrow(/not found/);
    await site.git('', '--git-dir', 'srv/project.git', 'fsck', '--strict');
  });
});

describe.each(GIT_HOSTS)('cgit on $name', (host) => {
  it('shows a repository in a browser', { timeout: 120_000 }, async (context) => {
    const chromium = requirePeer(context, 'chromium', 'chromium-browser', 'google-chrome');
    const site = new GitSite(requirePeer(context, 'git'));
    cleanups.push(() => site.remove());
    await site.create('project.git');
    const configuration = join(site.folder, 'cgitrc');
    const places = 'css=/code/cgit.css\nlogo=/code/cgit.png\n';
    writeFileSync(configuration, `${places}snapshots=tar.gz\nscan-path=${site.root}\n`);
    const cgit = fromCgi(requirePeer(context, CGIT), { env: { CGIT_CONFIG: configuration } });
    const { url, close } = await host.serve(staticFiles('/usr/share/cgit')(validate(cgit)));
    cleanups.push(close);

    const index = await browse(chromium, `${url}/`);
    expect(index).toContain('Git repository browser');
    // cgit takes the mount for its links from SCRIPT_NAME.
    expect(index).toMatch(/href="\/code\/project\.git\/"/);
    expect(await browse(chromium, `${url}/project.git/log/`)).toContain('Add README');
    if (!process.env.TOUR) return;
    expect(await browse(chromium, `${url}/project.git/tree/README`)).toContain('Hello from the repository');
    expect(await browse(chromium, `${url}/project.git/commit/`)).toMatch(/\+Hello from the repository/);
    expect(await browse(chromium, `${url}/project.git/log/?qt=grep&q=README`)).toContain('Add README');
    expect(await browse(chromium, `${url}/nothing.git/`)).toContain('No repositories found');
    const snapshot = await fetch(`${url}/project.git/snapshot/project-main.tar.gz`);
    expect(Buffer.from(await snapshot.arrayBuffer()).toString('hex', 0, 2)).toBe('1f8b');
    expect((await fetch(`${url}/cgit.css`)).headers.get('content-type')).toContain('text/css');
  });
});

/** Gives the document that a browser makes of a page. */
async function browse(chromium: string, url: string): Promise<string> {
  const profile = mkdtempSync(join(tmpdir(), 'gatebridge-browser-'));
  const settings = [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    ...['--disable-background-networking', '--disable-component-update', `--user-data-dir=${profile}`],
  ];
  try {
    const { stdout } = await promisify(execFile)(chromium, [...settings, '--dump-dom', url], {
      timeout: 50_000,
    });
    return stdout;
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
