/** prom-client, by express-prom-bundle and by hand: the same counts, and default metrics. */
import type { Express, Request, Response } from 'express';
import promBundle from 'express-prom-bundle';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { until } from '../../bridges/site.ts';
import { expectAlike, type Visitor } from '../both-servers.ts';
import { expressProgram } from './express-program.ts';

function addRoutes(app: Express): void {
  app.get('/sent', (_req, res) => void res.send('hello'));
  app.get('/user/:id', (_req, res) => {
    res.write('hel');
    setTimeout(() => res.end('lo'), 2);
  });
  app.post('/upload', (req, res) => void req.resume().on('end', () => res.status(201).end()));
  app.get('/broken', () => {
    throw Object.assign(new Error('broken'), { status: 503 });
  });
  app.get('/never', (_req, res) => void res.write('begun'));
}

const REQUESTS = [
  '/sent',
  '/sent',
  '/user/1',
  '/user/2',
  '/nowhere',
  '/broken',
  { method: 'HEAD', target: '/sent' },
  { method: 'POST', target: '/upload', content: 'x'.repeat(100_000) },
];

/** Notes the samples that do not depend on time. */
const noteCounts =
  (registry: Registry, trail: string[]) =>
  async (_req: Request, res: Response): Promise<void> => {
    const text = await registry.metrics();
    const lines = text.split('\n').filter((line) => /^(?:http_|# )/.test(line) && !/_sum|_bucket/.test(line));
    trail.push(...lines, 'noted');
    res.end();
  };

async function visitAll(visitor: Visitor): Promise<void> {
  for (const request of REQUESTS) await visitor.fetch(request);
  await visitor.fetch('/counts');
  await visitor.seen('noted');
}

describe('prom-client', () => {
  it('counts and times requests by express-prom-bundle', async () => {
    const program = expressProgram((app, trail) => {
      const promRegistry = new Registry();
      app.get('/counts', noteCounts(promRegistry, trail));
      app.use(
        promBundle({
          promRegistry,
          includeMethod: true,
          includePath: true,
          includeUp: true,
          normalizePath: [['^/user/.*', '/user/#id']],
          promClient: { collectDefaultMetrics: { register: promRegistry } },
        }),
      );
      addRoutes(app);
    });
    const { trail } = await expectAlike(program, async (visitor) => {
      await visitAll(visitor);
      // The values of the page differ.
      const client = visitor.open();
      client.send('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
      const { statusCode, headers, content } = await client.readResponse();
      const type = headers.find(([name]) => name === 'Content-Type');
      visitor.note(
        `${statusCode} ${type}\n${content
          .toString()
          .match(/^# TYPE .*$/gm)
          ?.join('\n')}`,
      );
    });
    const count = (labels: string): string => `http_request_duration_seconds_count{${labels}}`;
    expect(trail).toEqual(
      expect.arrayContaining([
        `${count('status_code="200",method="GET",path="/sent"')} 2`,
        `${count('status_code="200",method="GET",path="/user/#id"')} 2`,
        `${count('status_code="200",method="HEAD",path="/sent"')} 1`,
        `${count('status_code="404",method="GET",path="/nowhere"')} 1`,
        `${count('status_code="503",method="GET",path="/broken"')} 1`,
        `${count('status_code="201",method="POST",path="/upload"')} 1`,
        '# TYPE process_cpu_user_seconds_total counter',
      ]),
    );
  });

  it('counts requests in flight, octets and clients that leave by hand', async () => {
    const program = expressProgram((app, trail) => {
      const registers = [new Registry()];
      const [registry = expect.fail()] = registers;
      collectDefaultMetrics({ register: registry });
      const labelNames = ['method', 'route', 'code'];
      const help = 'Help';
      const seconds = new Histogram({ name: 'http_seconds', help, labelNames, registers, buckets: [60] });
      const inFlight = new Gauge({ name: 'http_in_flight', help, registers });
      const octets = new Counter({ name: 'http_octets_total', help, registers });
      const aborted = new Counter({ name: 'http_aborted_total', help, registers });
      app.get('/counts', noteCounts(registry, trail));
      app.use((req, res, next) => {
        const stop = seconds.startTimer();
        inFlight.inc();
        res.on('finish', () => {
          stop({ method: req.method, route: req.route?.path ?? 'none', code: res.statusCode });
          octets.inc(Number(res.getHeader('Content-Length') ?? 0));
        });
        res.on('close', () => {
          inFlight.dec();
          if (!res.writableFinished) aborted.inc();
          trail.push(`closed ${req.url}`);
        });
        next();
      });
      addRoutes(app);
    });
    const { trail } = await expectAlike(program, async (visitor) => {
      const client = visitor.open();
      client.send('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
      await client.readHead();
      client.reset();
      await visitor.seen('closed /never');
      for (const [index, request] of REQUESTS.entries()) {
        await visitor.fetch(request);
        await until(() => visitor.trail.length > index + 1);
      }
      await visitor.fetch('/counts');
      await visitor.seen('noted');
    });
    expect(trail).toEqual(
      expect.arrayContaining([
        'http_seconds_count{method="GET",route="/sent",code="200"} 2',
        'http_seconds_count{method="GET",route="/user/:id",code="200"} 2',
        'http_seconds_count{method="POST",route="/upload",code="201"} 1',
        'http_in_flight 0',
        'http_aborted_total 1',
      ]),
    );
  });
});
