import { describe, expect, it } from 'vitest';
import { toExpress } from '../../bridges/express/index.ts';
import { toFastify } from '../../bridges/fastify/index.ts';
import { toNode } from '../../bridges/node/index.ts';
import type { Application } from '../../src/index.ts';

type Mount = (application: Application, options: object) => unknown;

const application: Application = (_environ, startResponse) => {
  startResponse('204 No Content', []);
  return [];
};

describe.each<[string, Mount]>([
  ['toNode', toNode],
  ['toExpress', toExpress],
  ['toFastify', toFastify],
])('options of %s', (_name, mount) => {
  // What nobody may pass by its type, and somebody does in JavaScript.
  it.each<[unknown, typeof TypeError | typeof RangeError]>([
    [3000, TypeError],
    [null, TypeError],
    [{ environ: 'A=1' }, TypeError],
    [{ environ: [] }, TypeError],
    [{ underscoreHeaders: 'ignore' }, TypeError],
    [{ hopByHop: true }, TypeError],
    [{ closeTimeout: '5' }, TypeError],
    [{ closeTimeout: -1 }, RangeError],
    [{ closeTimeout: Number.NaN }, RangeError],
    [{ strict: 'yes' }, TypeError],
    [{ exposeErrors: 'no' }, TypeError],
  ])('are refused: %o', (options, error) => {
    expect(() => mount(application, options as object)).toThrow(error);
  });

  it.each([
    [{}],
    [{ environ: undefined, strict: undefined }],
    [{ environ: { 'app.name': 'x' }, underscoreHeaders: 'refuse', hopByHop: 'drop' }],
    [{ closeTimeout: Number.POSITIVE_INFINITY, strict: true, exposeErrors: false }],
  ])('are taken: %o', (options) => {
    expect(() => mount(application, options)).not.toThrow();
  });
});

it('refuses what only one bridge knows, too', () => {
  expect(() => toExpress(application, { fallthrough: 'yes' as never })).toThrow(/fallthrough .* "yes"/);
  expect(() => toFastify(application, { hijack: 1 as never })).toThrow(/hijack .* 1$/);
});
