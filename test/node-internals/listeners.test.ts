import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { hasListeners } from '../../src/node-internals/index.ts';

it.each(['close', Symbol('close')])('knows if an emitter has a listener for an event: %s', (event) => {
  const emitter = new EventEmitter();
  const listener = (): void => {};
  expect(hasListeners(emitter)).toBe(false);
  emitter.on(event, listener);
  expect(hasListeners(emitter)).toBe(true);
  emitter.on(event, listener);
  emitter.off(event, listener);
  expect(hasListeners(emitter)).toBe(true);
  emitter.off(event, listener);
  expect(hasListeners(emitter)).toBe(false);
});
