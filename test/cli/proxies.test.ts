/** The command behind real proxies that keep their connections: reloads of either side lose no request. */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { KEEPING_PROXIES, startProxy } from '../peers/proxies.ts';
import { requirePeer } from '../support/peer.ts';
import { Command, projectFolder, writeFiles } from './command.ts';
import { LoadClients } from './load-clients.ts';

vi.setConfig({ testTimeout: 90_000 });

const appOf = (version: string): string =>
  `export const app = (environ, startResponse) => { startResponse('200 OK', []); return ['${version}']; };`;

const ALL = Object.keys(KEEPING_PROXIES).flatMap((name) => [
  `${name} over TCP`,
  `${name} over a unix socket`,
]);

/** `npm run tour` sets TOUR; the suite has one case for each proxy. */
const CASES = process.env.TOUR === '1' ? ALL : ALL.filter((_title, index) => [0, 3, 5, 6, 8].includes(index));

describe('no request fails while workers are reloaded, replaced and added', () => {
  it.for(CASES)('behind %s', async (title, context) => {
    const [name = ''] = title.split(' ');
    const recipe = KEEPING_PROXIES[name];
    if (recipe === undefined) throw new Error(`${name} is no proxy`);
    const program = requirePeer(context, ...recipe.programs);
    const isUnix = title.endsWith('socket');
    const folder = projectFolder({ 'app.js': appOf('one') });
    // Apache has a user of its own.
    chmodSync(folder, 0o755);
    const bind = isUnix ? ['-b', 'unix:app.sock', '--socket-mode', '666'] : ['-p', '0'];
    const command = new Command(['app.js', '-w', '2', '--no-access-log', ...bind], { folder });
    await command.says(/Ctrl\+C to stop/);
    const upstream = isUnix ? join(folder, 'app.sock') : Number(new URL(await command.url()).port);
    const proxy = await startProxy(program, recipe, upstream);
    onTestFinished(() => proxy.stop());

    const place = { port: Number(new URL(proxy.url).port) };
    const clients = new LoadClients(place);
    await clients.served(100);
    for (const version of ['two', 'three']) {
      writeFiles(folder, { 'app.js': appOf(version) });
      const since = command.stderr.length;
      command.kill('SIGHUP');
      await command.says(/Reloaded: 2 new workers/, since);
      await clients.served(100);
    }
    command.kill('SIGTTIN');
    await command.says(/2 → 3 workers/);
    await clients.served(100);
    const { failures, contents } = await clients.stop();
    expect(failures).toEqual([]);
    expect([...contents]).toEqual(['one', 'two', 'three']);

    // Apache's own cuts clients that send on a kept connection just then.
    if (recipe.reload === undefined) return;
    // Most close connections of their clients that are idle just then, so that a kept one may be used too late. Varnish closes none.
    const others = new LoadClients(place, 6, name === 'Varnish');
    await others.served(50);
    for (let count = 0; count < (process.env.TOUR === '1' ? 5 : 1); count += 1) {
      await proxy.reload();
      await others.served(200);
    }
    const lost = (await others.stop()).failures;
    // Caddy's own reload resets connections of its clients on a busy machine. What fails behind it would be a 502.
    const resets = name === 'Caddy' ? lost.filter((failure) => failure.includes('ECONNRESET')) : [];
    if (resets.length > 0) console.info(`Reset by Caddy when it was reloaded: ${resets.length}`);
    expect(lost.filter((failure) => !resets.includes(failure))).toEqual([]);
    expect(resets.length).toBeLessThanOrEqual(6);
  });
});
