import { IncomingMessage, OutgoingMessage } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';

const PROTOTYPES = { _dump: IncomingMessage, _addHeaderLines: IncomingMessage } as const;
const NAMES = ['_dump', '_addHeaderLines', '_storeHeader', '_send', '_writeRaw', '_finish'];

let restore = (): void => {};

afterEach(() => {
  restore();
  vi.resetModules();
});

/** Takes a method away, as a Node of the future may, and loads the bridges anew. */
async function loadWithout(name: string): Promise<typeof import('../../bridges/node/index.ts')> {
  const { prototype } = Object.hasOwn(PROTOTYPES, name) ? IncomingMessage : OutgoingMessage;
  const method = Object.getOwnPropertyDescriptor(prototype, name);
  if (method === undefined) throw new TypeError(`Node has no ${name}`);
  Reflect.deleteProperty(prototype, name);
  restore = () => Object.defineProperty(prototype, name, method);
  vi.resetModules();
  return import('../../bridges/node/index.ts');
}

describe('a Node whose messages lack a method', () => {
  it.each(NAMES)('is named when the first program is wrapped: %s', async (name) => {
    const { fromNode } = await loadWithout(name);
    expect(() => fromNode(() => {})).toThrow(
      `gatebridge cannot wrap programs on Node ${process.version}: its messages have no ${name}`,
    );
  });

  it('still mounts applications', async () => {
    const { toNode } = await loadWithout('_dump');
    expect(() => toNode(() => [])).not.toThrow();
  });
});
