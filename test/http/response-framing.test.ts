import { describe, expect, it } from 'vitest';
import { decideResponseFraming } from '../../src/http/index.ts';

describe('decideResponseFraming()', () => {
  it.each([
    ['HTTP/1.1', true, undefined, 'none'],
    ['HTTP/1.1', true, 5, 'none'],
    ['HTTP/1.0', true, undefined, 'none'],
    ['HTTP/1.1', false, 0, 'length'],
    ['HTTP/1.1', false, 5, 'length'],
    ['HTTP/1.0', false, 5, 'length'],
    ['HTTP/1.1', false, undefined, 'chunked'],
    ['HTTP/1.0', false, undefined, 'close'],
  ] as const)('%s, bodiless %s, length %s: %s', (requestProtocol, isBodiless, contentLength, framing) => {
    expect(decideResponseFraming({ requestProtocol, isBodiless, contentLength })).toBe(framing);
  });
});
