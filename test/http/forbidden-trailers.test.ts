import { describe, expect, it } from 'vitest';
import { isForbiddenTrailer } from '../../src/http/index.ts';

describe('isForbiddenTrailer()', () => {
  it.each([
    'Content-Length',
    'TRANSFER-ENCODING',
    'host',
    'Authorization',
    'Set-Cookie',
    'Content-Type',
    'Content-Encoding',
    'Content-Range',
    'Trailer',
    'TE',
    'Connection',
    'If-Match',
    'Range',
    'Cache-Control',
    'X-Forwarded-For',
  ])('forbids %s', (name) => {
    expect(isForbiddenTrailer(name)).toBe(true);
  });

  it.each([
    'ETag',
    'Server-Timing',
    'Content-Digest',
    'Grpc-Status',
    'X-Checksum',
    '__proto__',
    'constructor',
  ])('allows %s', (name) => {
    expect(isForbiddenTrailer(name)).toBe(false);
  });
});
