/** Bodies, and servers that take them, for the cases of the body's rules. */
import { setTimeout as pause } from 'node:timers/promises';
import type { BODY_RULES } from '../../../src/validate/body-rules.ts';
import type { RuleParty } from '../../../src/validate/rule.ts';
import type { Application, Body, HeaderList, Write } from '../../../src/wsgi.ts';
import { answer, octets, type ServerKit, server, TEXT, type Variant } from './kit.ts';

/** The rules of the body that one party obeys. */
export type BodyRuleOf<Party extends RuleParty> = {
  [Id in keyof typeof BODY_RULES]: (typeof BODY_RULES)[Id]['party'] extends Party ? Id : never;
}[keyof typeof BODY_RULES];

/** An application that gets `write`, and returns what this gives. */
export const writing = (use: (write: Write) => unknown, headers: HeaderList = TEXT): Application => {
  return async (_environ, startResponse) => ((await use(startResponse('200 OK', headers))) ?? []) as Body;
};

export const three = (): Uint8Array[] => ['one', 'two', 'three'].map(octets);

/** Bodies of three chunks in the forms that are no array. */
export const GENERATED = answer(function* () {
  yield* three();
});

export const STREAMED = answer(async function* () {
  yield* three();
});

export const CLOSABLE = answer(() => Object.assign(three(), { close: () => undefined }));

export const sized = (length: number): HeaderList => [...TEXT, ['Content-Length', String(length)]];

/** The part of a server that takes a body. */
export type Act = (body: Body & AsyncIterable<Uint8Array>, kit: ServerKit) => unknown;

/** A server that gets the body of an application, and does something with it. */
export function taking(name: string, act: Act, application: Application): Variant {
  return server(
    name,
    async (kit) => {
      // Typed for servers that iterate in either way; the cases use the way that the application has.
      const body = (await kit.call(kit.environ, kit.startResponse)) as Body & AsyncIterable<Uint8Array>;
      await act(body, kit);
    },
    application,
  );
}

export async function readAll(body: Body): Promise<void> {
  for await (const chunk of body) String(chunk);
}

export const begin = (body: Body): Iterator<unknown> => (body as Iterable<unknown>)[Symbol.iterator]();

/** Fills the memory of its first chunk again before the second one is asked for. */
export const refilling: Application = answer(function* () {
  const chunk = octets('one');
  void pause(1).then(() => chunk.fill(0));
  yield chunk;
  yield octets('two');
});

/** Fills the memory of its array again before the response is over. */
export const refillingArray: Application = answer(() => {
  const chunk = octets('one');
  void pause(1).then(() => chunk.fill(0));
  return [chunk];
});
