/** The cases of the rules that a server obeys with write and a body. */
import {
  type Act,
  type BodyRuleOf,
  begin,
  CLOSABLE,
  GENERATED,
  readAll,
  STREAMED,
  taking,
  three,
  writing,
} from './body-kit.ts';
import { answer, app, byServer, octets, type RuleCase, server } from './kit.ts';

const servers = byServer('the server iterates and closes the body');

/** A server that reads a body, closes it so many times, and ends. */
const closing =
  (times: number): Act =>
  async (body, kit) => {
    await readAll(body);
    for (let count = 0; count < times; count += 1) body.close?.();
    kit.end();
  };

export const ITERATION_CASES: Readonly<Record<BodyRuleOf<'server'>, RuleCase>> = {
  'write-94-promise': servers(
    server(
      'undefined',
      ({ call, environ }) => call(environ, () => (() => undefined) as never),
      writing((write) => void write(octets('one'))),
    ),
  ),
  'body-119-one-at-a-time': servers(
    taking(
      'two at once',
      async (body, kit) => {
        const iterator = body[Symbol.asyncIterator]();
        await Promise.all([iterator.next(), iterator.next()]);
        for (let step = await iterator.next(); !step.done; step = await iterator.next());
        kit.end();
      },
      STREAMED,
    ),
  ).butRight(taking('one after the other', readAll, STREAMED)),
  'body-129-return': servers(
    taking(
      'a generator',
      (body, kit) => {
        begin(body).next();
        kit.end(new Error('left'));
      },
      GENERATED,
    ),
    taking(
      'an async generator',
      async (body, kit) => {
        await body[Symbol.asyncIterator]().next();
        kit.end();
      },
      STREAMED,
    ),
  ).butRight(
    taking('a generator that was not begun', (_body, kit) => kit.end(), GENERATED),
    taking(
      'a loop that breaks',
      async (body, kit) => {
        for await (const chunk of body) if (chunk.length > 0) break;
        kit.end();
      },
      STREAMED,
    ),
  ),
  'body-137-closed': servers(
    taking(
      'after close()',
      (body) => {
        const iterator = begin(body);
        iterator.next();
        body.close?.();
        iterator.next();
      },
      CLOSABLE,
    ),
  ),
  'body-137-iterated-twice': servers(
    taking(
      'a second loop',
      async (body, kit) => {
        await readAll(body);
        await readAll(body);
        kit.end();
      },
      GENERATED,
    ),
  ),
  'body-138-close': servers(
    taking('at the end', closing(0), CLOSABLE),
    taking('after a failure', (_body, kit) => kit.end(new Error('failed')), CLOSABLE),
  ).butRight(taking('closed', closing(1), CLOSABLE), app('the gateway', CLOSABLE)),
  'body-138-close-once': servers(taking('twice', closing(2), CLOSABLE)),
  'body-231-memory-unchanged': servers(
    taking(
      'masks a chunk',
      async (body) => {
        for await (const chunk of body) chunk.fill(0);
      },
      GENERATED,
    ),
    taking(
      'masks an array',
      (body, kit) => {
        for (const chunk of body as Iterable<Uint8Array>) chunk.fill(0);
        kit.end();
      },
      answer(three),
    ),
  ),
  'body-239-return-after-the-end': servers(
    taking(
      'after the end',
      async (body) => {
        const iterator = body[Symbol.asyncIterator]();
        for (let step = await iterator.next(); !step.done; step = await iterator.next());
        await iterator.return?.();
      },
      STREAMED,
    ),
  ),
};
