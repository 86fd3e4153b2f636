/** Handlers of AWS Lambda, called with the events of a Function URL. */
import { PassThrough } from 'node:stream';
import { toLambda } from '../../../bridges/lambda/index.ts';
import { MemoryErrors } from '../../../src/testing/index.ts';
import { functionUrlEvent, type LambdaEvent } from '../../bridges/lambda/events.ts';
import { readResult } from '../../bridges/lambda/kit.ts';
import type { ClientRequest, ClientResponse, Host } from '../matrix.ts';

/** A handler that answers with a result. */
export const lambda: Host = {
  name: 'toLambda',
  expression: 'toLambda(app)',
  reached: 'the event of a Function URL',
  async start({ application }) {
    const errors = new MemoryErrors();
    const handler = toLambda(application, { environ: { 'wsgi.errors': errors } });
    return {
      async send(request) {
        const { statusCode, fields, content } = readResult(await handler(eventOf(request), {}));
        return {
          status: statusCode,
          fields,
          content: asContent(content),
          leave: () => {},
        };
      },
      log: () => errors.text,
      close: async () => {},
    };
  },
};

/** A handler that streams its response. */
export const streamingLambda: Host = {
  name: 'toLambda, streaming',
  expression: 'toLambda(app, { streaming: true })',
  reached: 'the event of a Function URL, and a response stream',
  async start({ application }) {
    const errors = new MemoryErrors();
    const handler = toLambda(application, { streaming: true, environ: { 'wsgi.errors': errors } });
    return {
      async send(request) {
        const stream = new PassThrough();
        const invocation = handler(eventOf(request), stream, {});
        // An invocation that fails has broken the stream, or breaks it now.
        invocation.catch((error: unknown) => stream.destroy(asError(error)));
        return readStream(stream);
      },
      log: () => errors.text,
      close: async () => {},
    };
  },
};

function eventOf({ method = 'GET', path, fields = {}, content }: ClientRequest): LambdaEvent {
  return functionUrlEvent({
    method,
    target: path,
    fields: Object.entries(fields),
    ...(content === undefined ? {} : { content }),
  });
}

async function* asContent(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  yield octets;
}

/** Eight octets of zero end the head. */
const END_OF_HEAD = '\0'.repeat(8);

async function readStream(stream: PassThrough): Promise<ClientResponse> {
  const pieces = stream[Symbol.asyncIterator]();
  let begin = Buffer.alloc(0);
  while (!begin.includes(END_OF_HEAD)) {
    const { done, value } = await pieces.next();
    if (done) throw new Error('The stream has no head');
    begin = Buffer.concat([begin, value]);
  }
  const end = begin.indexOf(END_OF_HEAD);
  const head = JSON.parse(begin.subarray(0, end).toString());
  const { statusCode, fields } = readResult({ ...head, body: '', isBase64Encoded: false });
  async function* content(): AsyncGenerator<Uint8Array> {
    yield begin.subarray(end + END_OF_HEAD.length);
    yield* { [Symbol.asyncIterator]: () => pieces };
  }
  return { status: statusCode, fields, content: content(), leave: () => stream.destroy() };
}

function asError(error: unknown): Error {
  return new Error('The invocation has failed', { cause: error });
}
