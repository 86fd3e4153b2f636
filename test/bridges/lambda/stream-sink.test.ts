/** Responses as streams, over a stream that behaves as that of the runtime. */
import { Writable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { type LambdaResponseStream, toLambda } from '../../../bridges/lambda/index.ts';
import type { Application } from '../../../src/index.ts';
import { EVENTS, functionUrlEvent, restEvent } from './events.ts';
import { answering, createLog } from './kit.ts';

/** A response stream, with all that was written to it. */
class Recorder extends Writable {
  contentType: string | undefined;
  readonly pieces: Buffer[] = [];
  /** Takes one piece, if it is slow. */
  take: (() => void) | undefined;
  /** Set by the runtime's HttpResponseStream. */
  onFirst: ((write: (chunk: string | Uint8Array) => void) => void) | undefined;
  readonly #isSlow: boolean;

  constructor(isSlow = false) {
    super();
    this.#isSlow = isSlow;
  }

  setContentType(contentType: string): void {
    this.contentType = contentType;
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    const first = this.onFirst;
    this.onFirst = undefined;
    first?.((part) => super.write(part));
    // The overloads of node's method have no common form.
    return Reflect.apply(super.write, this, [chunk, ...rest]) as boolean;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.pieces.push(Buffer.from(chunk));
    if (this.#isSlow) this.take = done;
    else done();
  }

  get text(): string {
    return Buffer.concat(this.pieces).toString('latin1');
  }

  get head(): object {
    return JSON.parse(this.text.split('\0')[0] ?? '');
  }

  get content(): string {
    return this.text.split('\0'.repeat(8))[1] ?? '';
  }
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, 'awslambda');
});

/** What the runtime makes global. */
function installRuntime(): void {
  const awslambda = {
    streamifyResponse: (handler: object) => Object.assign(handler, { isMarked: true }),
    HttpResponseStream: {
      from(stream: Recorder, head: object) {
        stream.setContentType('application/vnd.awslambda.http-integration-response');
        stream.onFirst = (write) => {
          write(JSON.stringify(head));
          write(new Uint8Array(8));
        };
        return stream;
      },
    },
  };
  Object.assign(globalThis, { awslambda });
}

describe.each([
  ['with the runtime', installRuntime],
  ['without it', () => {}],
])('%s', (_where, install) => {
  const stream = async (application: Application, event: object = functionUrlEvent(), options = {}) => {
    install();
    const recorder = new Recorder();
    const outcome = await toLambda(application, { ...options, streaming: true })(event, recorder, {}).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    return { recorder, outcome };
  };

  it('sends the head, eight zeros and the content', async () => {
    const { recorder } = await stream(
      answering('201 Created', [['Content-Type', 'text/plain']], 'one ', 'two'),
    );
    expect(recorder.contentType).toBe('application/vnd.awslambda.http-integration-response');
    expect(recorder.head).toEqual({
      statusCode: 201,
      headers: { 'Content-Type': 'text/plain', 'Content-Length': '7' },
    });
    expect([recorder.content, recorder.writableFinished]).toEqual(['one two', true]);
  });

  it('has lists for a REST API, and cookies for a Function URL', async () => {
    const application = answering('200 OK', [
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ]);
    expect((await stream(application, restEvent())).recorder.head).toMatchObject({
      multiValueHeaders: { 'Set-Cookie': ['a=1', 'b=2'] },
    });
    expect((await stream(application)).recorder.head).toMatchObject({ cookies: ['a=1', 'b=2'] });
  });

  it.each([
    ['HEAD', answering('200 OK', [], 'content'), functionUrlEvent({ method: 'HEAD' })],
    ['204', answering('204 No Content', []), functionUrlEvent()],
    ['an empty body', answering('200 OK', []), functionUrlEvent()],
  ])('sends the head without content: %s', async (_what, application, event) => {
    const { recorder } = await stream(application, event);
    expect(recorder.head).toHaveProperty('statusCode');
    expect([recorder.content, recorder.writableFinished]).toEqual(['', true]);
  });

  it('sends a 500 after an error before the head, once its content has left', async () => {
    const log = createLog();
    const failing: Application = () => {
      throw new Error('broken');
    };
    const { recorder, outcome } = await stream(failing, functionUrlEvent(), { environ: log.environ });
    expect(outcome).toBeUndefined();
    expect(recorder.head).toMatchObject({ statusCode: 500 });
    expect([recorder.content, recorder.writableFinished]).toEqual(['Internal Server Error\n', true]);
    expect(log.entries).toHaveLength(1);
  });

  it('fails with the very error after the head, and leaves the end of the stream to the runtime', async () => {
    const log = createLog();
    const error = new Error('broken');
    const failing: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return (function* () {
        yield Buffer.from('some');
        throw error;
      })();
    };
    const { recorder, outcome } = await stream(failing, functionUrlEvent(), { environ: log.environ });
    expect(outcome?.error).toBe(error);
    expect([recorder.content, recorder.writableEnded, recorder.destroyed]).toEqual(['some', false, false]);
    expect(log.entries).toHaveLength(1);
  });

  it('refuses a declared length that is too large with a 500, and cuts off what grows too large', async () => {
    const log = createLog();
    const options = { maxResponseSize: 10, environ: log.environ };
    const declared = await stream(answering('200 OK', [], 'x'.repeat(11)), functionUrlEvent(), options);
    expect([declared.recorder.head, declared.outcome]).toMatchObject([{ statusCode: 500 }, undefined]);
    const growing: Application = (_environ, startResponse) => {
      startResponse('200 OK', []);
      return (function* () {
        for (;;) yield Buffer.from('xxxx');
      })();
    };
    const grown = await stream(growing, functionUrlEvent(), options);
    expect(grown.recorder.content).toBe('xxxxxxxx');
    expect(grown.outcome?.error).toMatchObject({ code: 'WSGI_ERR_RESPONSE_TOO_LARGE' });
    expect(log.entries).toHaveLength(2);
  });
});

it('sends each piece when the one before has left', async () => {
  let made = 0;
  const application: Application = (_environ, startResponse) => {
    startResponse('200 OK', []);
    return (function* () {
      for (const text of ['one', 'two', 'three']) {
        made += 1;
        yield Buffer.from(text);
      }
    })();
  };
  const recorder = new Recorder(true);
  const invocation = toLambda(application, { streaming: true })(functionUrlEvent(), recorder);
  const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
  await settle();
  expect(made).toBe(1);
  for (let count = 0; count < 6; count += 1) {
    recorder.take?.();
    await settle();
  }
  await invocation;
  expect([made, recorder.content]).toEqual([3, 'onetwothree']);
});

it('takes a stream that breaks for a client that has left', async () => {
  let isClosed = false;
  const application: Application = (environ, startResponse) => {
    startResponse('200 OK', []);
    return {
      async *[Symbol.asyncIterator]() {
        yield Buffer.from('some');
        await new Promise((resolve) => environ['gateway.signal']?.().addEventListener('abort', resolve));
        yield Buffer.from('more');
      },
      close: () => {
        isClosed = true;
      },
    };
  };
  const log = createLog();
  const recorder = new Recorder();
  const invocation = toLambda(application, { streaming: true, environ: log.environ })(
    functionUrlEvent(),
    recorder,
  );
  setTimeout(() => recorder.destroy(new Error('broken pipe')), 10);
  await expect(invocation).rejects.toMatchObject({ code: 'WSGI_ERR_DISCONNECTED' });
  expect([isClosed, log.entries]).toEqual([true, []]);
});

it('marks the handler for the runtime', () => {
  const handler = toLambda(answering('200 OK', []), { streaming: true });
  expect(Reflect.get(handler, Symbol.for('aws.lambda.runtime.handler.streaming'))).toBe('response');
  expect(handler.constructor.name).toBe('AsyncFunction');
  installRuntime();
  expect(toLambda(answering('200 OK', []), { streaming: true })).toHaveProperty('isMarked', true);
});

it('tells the runtime not to wait for open connections', async () => {
  const context = { callbackWaitsForEmptyEventLoop: true };
  const handler = toLambda(answering('200 OK', []), { streaming: true });
  await handler(functionUrlEvent(), new Recorder(), context);
  expect(context.callbackWaitsForEmptyEventLoop).toBe(false);
});

it.each(['load balancer', 'load balancer with multi-value headers', 'VPC Lattice 1.0', 'VPC Lattice 2.0'])(
  'refuses an event of what takes no stream: %s',
  async (shape) => {
    const handler = toLambda(answering('200 OK', []), { streaming: true });
    await expect(handler(EVENTS[shape]?.() ?? {}, new Recorder())).rejects.toThrow(
      'leave out the option streaming',
    );
  },
);

it('refuses a call without a stream, and an event that carries no request', async () => {
  const handler = toLambda(answering('200 OK', []), { streaming: true });
  const context: object = { functionName: 'x' };
  await expect(handler(functionUrlEvent(), context as LambdaResponseStream)).rejects.toThrow(
    '(event, responseStream, context)',
  );
  await expect(handler({ source: 'aws.events' }, new Recorder())).rejects.toThrow('an event of aws.events');
});
