import express from 'express';
import fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { fromExpress, toExpress } from '../../bridges/express/index.ts';
import { fromFastify, toFastify } from '../../bridges/fastify/index.ts';
import { toFetch } from '../../bridges/fetch/index.ts';
import { toLambda } from '../../bridges/lambda/index.ts';
import { fromNode, toNode } from '../../bridges/node/index.ts';
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
  ['toFetch', toFetch],
  ['toLambda', (application, options) => toLambda(application, options)],
])('options of %s', (_name, mount) => {
  // Not allowed by the types; possible in JavaScript.
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
    [{ fallThrough: true }, TypeError],
    [{ toString: true }, TypeError],
    [{ constructor: true }, TypeError],
  ])('are refused: %o', (options, error) => {
    expect(() => mount(application, options as object)).toThrow(error);
  });

  it('are named if they are unknown', () => {
    expect(() => mount(application, { strct: true })).toThrow(/strct is unknown here; known are .*strict/);
  });

  it.each([
    [{}],
    [{ unheardOf: undefined }],
    [{ environ: undefined, strict: undefined }],
    [{ environ: { 'app.name': 'x' }, underscoreHeaders: 'refuse', hopByHop: 'drop' }],
    [{ closeTimeout: Number.POSITIVE_INFINITY, strict: true, exposeErrors: false }],
  ])('are accepted: %o', (options) => {
    expect(() => mount(application, options)).not.toThrow();
  });
});

it('checks the options that only one bridge has', () => {
  expect(() => toExpress(application, { fallthrough: 'yes' as never })).toThrow(/fallthrough .* "yes"/);
  expect(() => toFastify(application, { hijack: 1 as never })).toThrow(/hijack .* 1$/);
});

it('refuses the options of another bridge', () => {
  const options: object = { fallthrough: true, hijack: true };
  expect(() => toNode(application, options)).toThrow(/fallthrough is unknown/);
  expect(() => toExpress(application, options)).toThrow(/hijack is unknown/);
  expect(() => toFastify(application, options)).toThrow(/fallthrough is unknown/);
});

describe('options of a wrapper', () => {
  const WRAPPERS: Readonly<Record<string, (options: object) => unknown>> = {
    fromNode: (options) => fromNode(() => {}, options),
    fromExpress: (options) => fromExpress(express(), options),
    fromFastify: (options) => fromFastify(fastify(), options),
  };

  it.each(Object.entries(WRAPPERS))('are checked by %s', (_name, wrap) => {
    for (const options of [3, null, { joinDuplicateHeaders: 'yes' }, { maxHeaderSize: 1 }]) {
      expect(() => wrap(options as object)).toThrow(TypeError);
    }
    expect(() => wrap({ maxHeaderSize: 1 })).toThrow(/maxHeaderSize is unknown .*joinDuplicateHeaders/);
    expect(() => wrap({ joinDuplicateHeaders: true })).not.toThrow();
    expect(() => wrap({ joinDuplicateHeaders: undefined })).not.toThrow();
  });
});
