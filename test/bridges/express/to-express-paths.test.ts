/** Every way to mount in Express, with every spelling of a path: no part of the path is lost. */
import express, { type Express, Router } from 'express';
import { describe, expect, it } from 'vitest';
import { toExpress } from '../../../bridges/express/index.ts';
import { place, report, reported } from '../site.ts';
import { faultOf, TARGETS } from '../whole-paths.ts';
import { serve } from './express-site.ts';

const mounted = toExpress(report);

const MOUNTS: Readonly<Record<string, (app: Express) => unknown>> = {
  'at the root': (app) => app.use(mounted),
  'at /': (app) => app.use('/', mounted),
  'at /x': (app) => app.use('/x', mounted),
  'at /x/': (app) => app.use('/x/', mounted),
  'at /x/y': (app) => app.use('/x/y', mounted),
  'at a parameter': (app) => app.use('/:one', mounted),
  'at two parameters': (app) => app.use('/:one/:two', mounted),
  'at half a parameter': (app) => app.use('/x{:rest}', mounted),
  'at an optional segment': (app) => app.use('/x{/y}', mounted),
  'at a wildcard': (app) => app.use('/x/*rest', mounted),
  'at a regular expression': (app) => app.use(/^\/[a-z]/i, mounted),
  'at a regular expression that goes on': (app) => app.use(/^\/x.*/, mounted),
  'at a list': (app) => app.use(['/none', '/x', /^\/caf/i], mounted),
  'at an escaped path': (app) => app.use('/Caf%C3%A9', mounted),
  'at an escaped slash': (app) => app.use('/x%2Fy', mounted),
  'in a router': (app) => app.use('/x', Router().use(mounted)),
  'in a router in a router': (app) => app.use(Router().use('/x', Router().use('/y', mounted))),
  'in an app': (app) => app.use('/x', express().use('/y', mounted)),
  'in a strict router': (app) => app.use('/x', Router({ strict: true }).use('/y', mounted)),
  'by a route': (app) => app.all('/{*all}', mounted),
  'by a route in a router': (app) => app.use('/x', Router().all('/{*all}', mounted)),
};

describe.each(Object.keys(MOUNTS))('mounted %s', (name) => {
  it.each(TARGETS)('gets the whole path %s', async (target) => {
    const app = express();
    MOUNTS[name]?.(app);
    app.use((_req, res) => {
      res.status(404).json({});
    });
    app.use(((_error, _req, res, _next) => {
      res.status(400).json({});
    }) as express.ErrorRequestHandler);
    // Some mounts do not cover every path.
    expect(faultOf(target, reported(await (await serve(app)).fetch(target)))).toBeUndefined();
  });
});

describe('a setting of an app', () => {
  async function placeWith(settings: readonly string[], target: string): Promise<string> {
    const app = express();
    for (const setting of settings) app.enable(setting);
    app.use('/x', Router({ caseSensitive: app.enabled('case sensitive routing') }).use('/y', mounted));
    app.use('/x', mounted).use(mounted);
    return place(await serve(app), target);
  }

  it('decides if the case of a path matters', async () => {
    expect(await placeWith([], '/X/Y/z')).toBe('/X/Y + /z');
    expect(await placeWith(['case sensitive routing'], '/x/y/z')).toBe('/x/y + /z');
    expect(await placeWith(['case sensitive routing'], '/x/Y/z')).toBe('/x + /Y/z');
    expect(await placeWith(['case sensitive routing'], '/X/y/z')).toBe(' + /X/y/z');
  });

  it('does not decide if the final slash matters to a mount', async () => {
    for (const settings of [[], ['strict routing']]) {
      expect(await placeWith(settings, '/x')).toBe('/x + ');
      expect(await placeWith(settings, '/x/')).toBe('/x + /');
      expect(await placeWith(settings, '/x/y/')).toBe('/x/y + /');
    }
  });
});

it('keeps the parameters of the mount on the request', async () => {
  const app = express();
  app.use(
    '/:tenant',
    Router({ mergeParams: true }).use('/shops/:shop', (req, res, next) => {
      toExpress((environ, startResponse) => {
        startResponse('200 OK', []);
        // Node's own objects are not in the type of the environ.
        const { params } = environ['express.req'] as express.Request;
        return [JSON.stringify([environ.SCRIPT_NAME, params])];
      })(req, res, next);
    }),
  );
  const { content } = await (await serve(app)).fetch('/acme/shops/a%2Fb/c');
  expect(JSON.parse(content.toString())).toEqual(['/acme/shops/a/b', { tenant: 'acme', shop: 'a/b' }]);
});
