/** EJS views: locals of the app, the response and the call, includes, errors. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ejs from 'ejs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAlike } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'views-'));
  await mkdir(join(root, 'parts'));
  await writeFile(join(root, 'parts', 'head.ejs'), '<title><%= title %></title>');
  await writeFile(
    join(root, 'page.ejs'),
    "<%- include('parts/head', { title: site }) %><p><%= greeting %>, <%= name %>: <% for (const n of list) { %><%= n %>;<% } %>",
  );
  await writeFile(join(root, 'broken.ejs'), '<%= nothing.here %>');
});
afterAll(() => rm(root, { recursive: true }));

const program = expressProgram((app, trail) => {
  app.set('views', root).set('view engine', 'ejs');
  app.engine('ejs', (path, options, callback) => void ejs.renderFile(path, options, callback));
  app.locals.site = 'Site & Söhne';
  app.use((_req, res, next) => {
    res.locals.greeting = 'Grüße';
    next();
  });
  app.get('/page', (req, res) => res.render('page', { name: req.query.name ?? '<nobody>', list: [1, 2, 3] }));
  app.get('/called', (_req, res, next) => {
    res.render('page.ejs', { name: 'n', list: [] }, (error, html) => {
      trail.push(`rendered ${html?.length}`);
      if (error) next(error);
      else res.status(203).send(html.toUpperCase());
    });
  });
  app.get('/app', (_req, res) => {
    app.render('page', { greeting: 'Hi', name: 'app', list: ['x'] }, (_error, html) => res.end(html));
  });
  app.get('/broken', (_req, res) => res.render('broken'));
  app.get('/missing', (_req, res) => res.render('missing'));
});

describe('EJS', () => {
  it('renders views', async () => {
    const { text, responses } = await expectAlike(program, async ({ fetch }) => {
      for (const target of ['/page', '/page?name=%3Cb%3E', '/called', '/app', '/broken', '/missing']) {
        await fetch(target);
      }
      await fetch({ method: 'HEAD', target: '/page' });
    });
    expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 200, 203, 200, 500, 500, 200]);
    expect(responses[1]?.content.toString()).toBe(
      '<title>Site &amp; Söhne</title><p>Grüße, &lt;b&gt;: 1;2;3;',
    );
    expect(text).toContain('<P>GR');
  });
});
