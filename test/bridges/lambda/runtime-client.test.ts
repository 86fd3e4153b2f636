/** Handlers in the runtime client of Lambda. */
import { createServer } from 'node:http';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import type { LambdaResult } from '../../../bridges/lambda/index.ts';
import { listen } from '../site.ts';
import { EVENTS, functionUrlEvent, httpApiEvent, multipleBalancerEvent, restEvent } from './events.ts';
import { readResult } from './kit.ts';
import type { Posted } from './runtime-api.ts';
import { CLIENT_VERSIONS, installClient, type Runtime, startRuntime } from './runtime-client.ts';

const clients = new Map<string, Promise<string>>();
const runtimes: Runtime[] = [];

afterEach(async () => {
  for (const runtime of runtimes.splice(0)) await runtime.stop();
});

const resultOf = (posted: Posted) => {
  // A client posts the result of the handler as JSON.
  const result = JSON.parse(posted.body.toString()) as LambdaResult;
  return { kind: posted.kind, ...readResult(result) };
};

/** Reads a response in the form `application/vnd.awslambda.http-integration-response`. */
function streamOf({ headers, body, trailers }: Posted) {
  const end = body.indexOf('\0'.repeat(8));
  return {
    type: headers['content-type'],
    mode: headers['lambda-runtime-function-response-mode'],
    head: JSON.parse(body.subarray(0, end).toString()),
    content: body.subarray(end + 8).toString(),
    error: trailers['lambda-runtime-function-error-type'],
  };
}

describe.each(CLIENT_VERSIONS)(
  'aws-lambda-ric %s',
  { timeout: process.env.TOUR === undefined ? 60_000 : 900_000 },
  (version) => {
    const start = async (context: TestContext, handler: string) => {
      const client = clients.get(version) ?? installClient(context, version);
      clients.set(version, client);
      const runtime = await startRuntime(await client, version, handler);
      runtimes.push(runtime);
      return runtime;
    };

    it('runs an Express app for every shape of events', async (context) => {
      const { api } = await start(context, 'buffered');
      for (const makeEvent of Object.values(EVENTS)) {
        const hello = resultOf(await api.invoke(makeEvent({ target: '/hello?x=y' })));
        expect([hello.kind, hello.statusCode]).toEqual(['response', 200]);
        expect(JSON.parse(hello.content.toString())).toMatchObject({ ip: '203.0.113.7' });
        expect(hello.cookies()).toEqual(['a=1; Path=/', 'b=2; Path=/']);
      }
      expect(resultOf(await api.invoke(httpApiEvent({ target: '/binary' }))).content).toEqual(
        Buffer.from([0x89, 0x50, 0, 255]),
      );
      const fields = [['Content-Type', 'application/json']] as const;
      const echo = { method: 'POST', target: '/echo', content: '{"a":"é"}', fields };
      expect(resultOf(await api.invoke(multipleBalancerEvent(echo))).content.toString()).toBe('{"a":"é"}');
    });

    it('goes on after an error, and after an event that carries no request', async (context) => {
      const { api, log } = await start(context, 'buffered');
      expect(resultOf(await api.invoke(restEvent({ target: '/fail' }))).statusCode).toBe(500);
      const refused = await api.invoke({ Records: [{ eventSource: 'aws:sqs' }] });
      expect([refused.kind, JSON.parse(refused.body.toString())]).toMatchObject([
        'error',
        { errorType: 'TypeError', errorMessage: expect.stringContaining('not an event of aws:sqs') },
      ]);
      expect(resultOf(await api.invoke(restEvent({ target: '/hello' }))).statusCode).toBe(200);
      expect(log()).toContain('Error: broken');
    });

    it('runs a Fastify instance', async (context) => {
      const { api } = await start(context, 'ofFastify');
      const sum = resultOf(await api.invoke(restEvent({ target: '/sum?a=1&b=2' })));
      expect(JSON.parse(sum.content.toString())).toEqual({ sum: 3 });
    });

    it('streams', async (context) => {
      const { api } = await start(context, 'streaming');
      let see = (): void => {};
      const isSeen = new Promise<void>((resolve) => {
        see = resolve;
      });
      const site = await listen(createServer((_request, response) => void isSeen.then(() => response.end())));
      const target = `/ticks?seen=${encodeURIComponent(`http://127.0.0.1:${site.port}/`)}`;
      const posted = await api.invoke(functionUrlEvent({ target }), (piece) => {
        if (piece.includes('one\n')) see();
      });
      expect(streamOf(posted)).toMatchObject({
        type: 'application/vnd.awslambda.http-integration-response',
        mode: 'streaming',
        head: { statusCode: 200, headers: { 'Content-Type': 'text/plain; charset=utf-8' } },
        content: 'one\ntwo\n',
        error: undefined,
      });
      // The next one follows, though something is open.
      expect(streamOf(await api.invoke(restEvent({ target: '/empty' })))).toMatchObject({
        head: { statusCode: 204 },
        content: '',
      });
      expect(streamOf(await api.invoke(restEvent({ target: '/hello', method: 'HEAD' })))).toMatchObject({
        head: { statusCode: 200, multiValueHeaders: { 'Set-Cookie': ['a=1; Path=/', 'b=2; Path=/'] } },
        content: '',
      });
      expect(streamOf(await api.invoke(restEvent({ target: '/fail' })))).toMatchObject({
        head: { statusCode: 500 },
      });
      const binary = streamOf(await api.invoke(functionUrlEvent({ target: '/binary' })));
      expect(binary.head.headers['Content-Length']).toBe('4');
    });

    it('tells of a failure in the middle of a stream, and goes on', async (context) => {
      const { api, log } = await start(context, 'cutting');
      for (let count = 0; count < 2; count += 1) {
        const cut = streamOf(await api.invoke(functionUrlEvent()));
        expect(cut).toMatchObject({ head: { statusCode: 200 }, content: 'some', error: 'Error' });
      }
      expect(log()).toContain('broken in the middle');
    });
  },
);
