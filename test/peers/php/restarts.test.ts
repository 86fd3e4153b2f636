/** php-fpm that is stopped, killed and started again while requests come: nothing hangs, and all is well again. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { CODE_HOSTS } from '../git-site.ts';
import { serveSite, siteOf } from './debian.ts';
import { ask } from './raw-request.ts';

/** How php-fpm ends, and the statuses that clients may get meanwhile. */
const ENDINGS = [
  { signal: 'SIGQUIT', statuses: [200, 502] },
  { signal: 'SIGTERM', statuses: [200, 502] },
  { signal: 'SIGKILL', statuses: [200, 502, 504] },
] as const;

describe.runIf(process.env.TOUR)('php-fpm under load', () => {
  const cases = ENDINGS.flatMap((one) => [0, 2].map((keepAlive) => ({ ...one, keepAlive })));
  it.for(cases)(
    'is ended by $signal and started again, with keepAlive $keepAlive',
    { timeout: 30_000 },
    async ({ signal, statuses, keepAlive }, context: TestContext) => {
      const php = siteOf(context);
      php.write('index.php', '<?php usleep(2000); echo "ok";');
      php.write(
        'count.php',
        "<?php file_put_contents(__DIR__ . '/count.txt', 'x', FILE_APPEND); usleep(2000); echo 'ok';",
      );
      await php.start(4);
      const [, host] = CODE_HOSTS;
      if (host === undefined) throw new TypeError('There is no host');
      const site = await serveSite(context, host, { php, keepAlive, timeout: 3_000, connectTimeout: 1_000 });
      const seen = new Map<number, number>();
      let isOver = false;
      let posted = 0;
      const client = async (method: string, path: string): Promise<void> => {
        while (!isOver) {
          const { status } = await ask(site.url, path, { method, ...(method === 'POST' && { body: 'x' }) });
          seen.set(status, (seen.get(status) ?? 0) + 1);
          if (method === 'POST') posted += 1;
        }
      };
      const clients = [
        client('GET', '/'),
        client('GET', '/'),
        client('GET', '/'),
        client('POST', '/count.php'),
      ];
      await delay(300);
      for (let round = 0; round < 2; round += 1) {
        await (signal === 'SIGKILL' ? php.killAll() : php.stop(signal));
        await delay(300);
        await php.start(4);
        await delay(300);
      }
      isOver = true;
      await Promise.all(clients);
      expect([...seen.keys()].filter((status) => !statuses.some((one) => one === status))).toEqual([]);
      expect(seen.get(200)).toBeGreaterThan(20);
      expect(seen.get(502)).toBeGreaterThan(0);
      expect(await ask(site.url, '/')).toMatchObject({ status: 200, text: 'ok' });
      // A request that may have been begun was never sent again.
      const counted = (await ask(site.url, '/count.txt')).text.length;
      expect(counted).toBeLessThanOrEqual(posted);
    },
  );

  it('takes more connections than its queue by waiting, or says 504', async (context) => {
    const php = siteOf(context);
    php.write('index.php', '<?php usleep(100000); echo "ok";');
    await php.start(1, ['listen.backlog = 2']);
    const [, host] = CODE_HOSTS;
    if (host === undefined) throw new TypeError('There is no host');
    const patient = await serveSite(context, host, { php, maxConnections: 12, connectTimeout: 5_000 });
    const all = await Promise.all(Array.from({ length: 12 }, () => ask(patient.url, '/')));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    const hasty = await serveSite(context, host, { php, maxConnections: 12, connectTimeout: 150 });
    const some = await Promise.all(Array.from({ length: 12 }, () => ask(hasty.url, '/')));
    expect(new Set(some.map(({ status }) => status))).toEqual(new Set([200, 504]));
  });
});
