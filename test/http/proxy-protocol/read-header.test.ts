/** The header of the PROXY protocol without sockets: each form whole and cut, and what is wrong. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readProxyHeader } from '../../../src/http/index.ts';
import * as v2 from '../../support/proxy-header.ts';

const { FROM_IPV4, FROM_IPV6, TYPE, tlv } = v2;

const INVALID = 'WSGI_ERR_PROXY_HEADER_INVALID';
const MISSING = 'WSGI_ERR_PROXY_HEADER_MISSING';
const CLIENT = { address: '198.51.100.7', port: 4711 };
const CLIENT_6 = { address: '2001:db8::7', port: 4711 };
const NOBODY = { family: undefined, source: undefined, destination: undefined };
const text = (line: string): Buffer => Buffer.from(line, 'latin1');

const RIGHT: Record<string, [octets: Buffer, meaning: object]> = {
  TCP4: [
    text('PROXY TCP4 198.51.100.7 203.0.113.9 4711 443\r\n'),
    {
      version: 1,
      command: 'PROXY',
      family: 'IPv4',
      source: CLIENT,
      destination: { address: '203.0.113.9', port: 443 },
    },
  ],
  'TCP4, the longest': [
    text('PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n'),
    { source: { address: '255.255.255.255', port: 65535 } },
  ],
  'TCP4 with ports of 0': [
    text('PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n'),
    { source: { address: '0.0.0.0', port: 0 } },
  ],
  TCP6: [
    text('PROXY TCP6 2001:DB8:0:0::7 2001:db8::9 4711 443\r\n'),
    { version: 1, family: 'IPv6', source: CLIENT_6, destination: { address: '2001:db8::9', port: 443 } },
  ],
  'TCP6 with IPv4 in it': [
    text('PROXY TCP6 ::ffff:198.51.100.7 ::ffff:cb00:7109 4711 443\r\n'),
    {
      source: { address: '::ffff:198.51.100.7', port: 4711 },
      destination: { address: '::ffff:203.0.113.9', port: 443 },
    },
  ],
  'TCP6, the longest': [
    text(`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`),
    { source: { address: `${'ffff:'.repeat(7)}ffff`, port: 65535 } },
  ],
  UNKNOWN: [text('PROXY UNKNOWN\r\n'), { version: 1, command: 'PROXY', ...NOBODY }],
  'UNKNOWN with anything': [text('PROXY UNKNOWN \0\xff any thing\r\n'), NOBODY],
  'UNKNOWN, the longest': [text(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`), NOBODY],
  LOCAL: [v2.header(0x20, 0), { version: 2, command: 'LOCAL', ...NOBODY }],
  'LOCAL with addresses': [v2.header(0x20, 0x11, FROM_IPV4), { command: 'LOCAL', ...NOBODY }],
  'LOCAL with an unknown family and garbage': [
    v2.header(0x20, 0xff, Buffer.from('x')),
    { command: 'LOCAL', ...NOBODY },
  ],
  'TCP over IPv4': [
    v2.header(0x21, 0x11, FROM_IPV4),
    {
      version: 2,
      command: 'PROXY',
      family: 'IPv4',
      source: CLIENT,
      destination: { address: '203.0.113.9', port: 443 },
      authority: undefined,
      tls: undefined,
      tlvs: [],
    },
  ],
  'UDP over IPv4': [v2.header(0x21, 0x12, FROM_IPV4), { family: 'IPv4', source: CLIENT }],
  'TCP over IPv6': [
    v2.header(0x21, 0x21, FROM_IPV6),
    { family: 'IPv6', source: CLIENT_6, destination: { address: '2001:db8::9', port: 443 } },
  ],
  'UDP over IPv6': [v2.header(0x21, 0x22, FROM_IPV6), { family: 'IPv6', source: CLIENT_6 }],
  'a unix socket': [
    v2.header(0x21, 0x31, v2.path('/run/client'), v2.path('/run/proxy')),
    {
      family: 'unix',
      source: { address: '/run/client', port: undefined },
      destination: { address: '/run/proxy', port: undefined },
    },
  ],
  'unix sockets without a name, and with an abstract one': [
    v2.header(0x21, 0x32, v2.path(''), v2.path('\0proxy')),
    { source: { address: '', port: undefined }, destination: { address: '\0proxy', port: undefined } },
  ],
  'a unix socket with the longest path': [
    v2.header(0x21, 0x31, v2.path('p'.repeat(108)), v2.path('q')),
    { source: { address: 'p'.repeat(108), port: undefined } },
  ],
  'an unspecified family': [v2.header(0x21, 0), { command: 'PROXY', ...NOBODY }],
  'an unspecified family with octets': [v2.header(0x21, 0x01, Buffer.from('anything')), NOBODY],
  'an unspecified transport': [v2.header(0x21, 0x10, FROM_IPV4), NOBODY],
  additions: [
    v2.header(
      0x21,
      0x11,
      FROM_IPV4,
      tlv(TYPE.noop, ''),
      tlv(TYPE.authority, 'é.test'),
      tlv(TYPE.aws, '\x01vpce-1'),
    ),
    {
      authority: 'é.test',
      tlvs: [
        { type: 4, value: new Uint8Array() },
        { type: 2, value: new Uint8Array(Buffer.from('é.test')) },
        { type: 0xea, value: new Uint8Array(Buffer.from('\x01vpce-1')) },
      ],
    },
  ],
  'TLS without a certificate': [
    v2.header(0x21, 0x11, FROM_IPV4, v2.ssl(1, 1, tlv(0x21, 'TLSv1.3'), tlv(0x23, 'AES'))),
    {
      tls: {
        protocol: 'TLSv1.3',
        cipher: 'AES',
        hasCertificate: false,
        isVerified: false,
        commonName: undefined,
      },
    },
  ],
  'TLS with a certificate': [
    v2.header(0x21, 0x11, FROM_IPV4, v2.ssl(7, 0, tlv(0x21, 'TLSv1.2'), tlv(0x22, 'Zoë'))),
    {
      tls: {
        protocol: 'TLSv1.2',
        cipher: undefined,
        hasCertificate: true,
        isVerified: true,
        commonName: 'Zoë',
      },
    },
  ],
  'TLS with a certificate that nobody knows': [
    v2.header(0x21, 0x11, FROM_IPV4, v2.ssl(3, 20)),
    { tls: { hasCertificate: true, isVerified: false } },
  ],
  'an addition about TLS without TLS': [v2.header(0x21, 0x11, FROM_IPV4, v2.ssl(0, 0)), { tls: undefined }],
  'a checksum': [
    v2.withChecksum(v2.header(0x21, 0x21, FROM_IPV6, tlv(TYPE.noop, 'x'))),
    { source: CLIENT_6 },
  ],
  'the largest': [
    v2.header(0x21, 0x11, FROM_IPV4, tlv(TYPE.noop, Buffer.alloc(16_384 - 16 - 12 - 3))),
    { source: CLIENT },
  ],
};

const WRONG: Record<string, [octets: Buffer, code: string]> = {
  'a request': [text('GET / HTTP/1.1\r\n'), MISSING],
  'a request that begins alike': [text('PROPFIND / HTTP/1.1\r\n'), MISSING],
  'a handshake of TLS': [text('\x16\x03\x01\x02\x00\x01'), MISSING],
  'lower case': [text('proxy TCP4'), MISSING],
  'an empty line': [text('\r\nGET'), MISSING],
  'a signature with another end': [text('\r\n\r\n\0\r\nQUIT\r'), MISSING],
  'no space': [text('PROXY\tTCP4'), MISSING],
  TCP5: [text('PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n'), INVALID],
  'unknown in lower case': [text('PROXY unknown\r\n'), INVALID],
  'UNKNOWN without a space': [text('PROXY UNKNOWN1\r\n'), INVALID],
  'two spaces': [text('PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n'), INVALID],
  'a space at the end': [text('PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n'), INVALID],
  'a missing port': [text('PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n'), INVALID],
  'one port too many': [text('PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n'), INVALID],
  'a port with a zero in front': [text('PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n'), INVALID],
  'a port with a sign': [text('PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n'), INVALID],
  'a port that is too large': [text('PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n'), INVALID],
  'an octet that is too large': [text('PROXY TCP4 1.2.3.256 1.2.3.4 1 1\r\n'), INVALID],
  'an octet with a zero in front': [text('PROXY TCP4 1.2.3.4 1.2.3.04 1 1\r\n'), INVALID],
  'an IPv4 address that is short': [text('PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n'), INVALID],
  'IPv6 in TCP4': [text('PROXY TCP4 ::1 ::1 1 1\r\n'), INVALID],
  'IPv4 in TCP6': [text('PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n'), INVALID],
  'two gaps': [text('PROXY TCP6 1::2::3 ::1 1 1\r\n'), INVALID],
  'nine groups': [text('PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 1\r\n'), INVALID],
  'seven groups': [text('PROXY TCP6 1:2:3:4:5:6:7 ::1 1 1\r\n'), INVALID],
  'a zone': [text('PROXY TCP6 fe80::1%eth0 ::1 1 1\r\n'), INVALID],
  'a bare LF': [text('PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n'), INVALID],
  'a bare CR': [text('PROXY TCP4 1.2.3.4 1.2.3.4 1 1\rGET'), INVALID],
  'a bare LF in UNKNOWN': [text('PROXY UNKNOWN\nGET'), INVALID],
  'a line that is too long': [text(`PROXY UNKNOWN ${'x'.repeat(93)}`), INVALID],
  'a line that is too long by one octet': [text(`PROXY UNKNOWN ${'x'.repeat(92)}\r\n`), INVALID],
  'version 1 in binary': [v2.header(0x11, 0x11, FROM_IPV4), INVALID],
  'version 3': [v2.header(0x31, 0x11, FROM_IPV4), INVALID],
  'an unknown command': [v2.header(0x22, 0x11, FROM_IPV4), INVALID],
  'an unknown family': [v2.header(0x21, 0x41, FROM_IPV4), INVALID],
  'an unknown transport': [v2.header(0x21, 0x13, FROM_IPV4), INVALID],
  'addresses that are short': [v2.header(0x21, 0x11, FROM_IPV4.subarray(1)), INVALID],
  'addresses of IPv4 in IPv6': [v2.header(0x21, 0x21, FROM_IPV4), INVALID],
  'no addresses of a unix socket': [v2.header(0x21, 0x31, v2.path('a')), INVALID],
  'a header that is too large': [v2.header(0x21, 0x11, Buffer.alloc(16_369)).subarray(0, 16), INVALID],
  'the largest of all': [v2.header(0x20, 0, Buffer.alloc(65_535)).subarray(0, 16), INVALID],
  'an addition without a length': [v2.header(0x21, 0x11, FROM_IPV4, Buffer.from([4, 0])), INVALID],
  'an addition that is cut': [v2.header(0x21, 0x11, FROM_IPV4, Buffer.from([4, 0, 2, 0])), INVALID],
  'a wrong checksum': [v2.header(0x21, 0x11, FROM_IPV4, tlv(TYPE.crc32c, '\0\0\0\0')), INVALID],
  'a short checksum': [v2.header(0x21, 0x11, FROM_IPV4, tlv(TYPE.crc32c, '\0')), INVALID],
  'a short addition about TLS': [v2.header(0x21, 0x11, FROM_IPV4, tlv(TYPE.ssl, '\x01')), INVALID],
  'an inner addition that is cut': [
    v2.header(0x21, 0x11, FROM_IPV4, v2.ssl(1, 0, Buffer.from([0x21, 0, 9, 0]))),
    INVALID,
  ],
};

/** Feeds octets that grow, as a connection does; gives what comes of it. */
function feed(octets: Buffer, cuts: Iterable<number>): unknown {
  for (const cut of cuts) {
    const outcome = judge(octets.subarray(0, cut));
    if (outcome !== undefined) return outcome;
  }
  return undefined;
}

function judge(octets: Buffer): unknown {
  try {
    return readProxyHeader(octets);
  } catch (error) {
    return Reflect.get(Object(error), 'code');
  }
}

const everyCut = (octets: Buffer): number[] => Array.from(octets, (_, index) => index + 1);
const request = text('GET / HTTP/1.1\r\n\r\n');

describe('readProxyHeader', () => {
  it.each(Object.entries(RIGHT))('reads %s', (_name, [octets, meaning]) => {
    const read = readProxyHeader(octets);
    expect(read).toMatchObject({ length: octets.length, header: meaning });
    // What follows is not looked at, and the header is the same however it comes.
    expect(readProxyHeader(Buffer.concat([octets, request]))).toEqual(read);
    if (octets.length < 1000) expect(feed(octets, everyCut(octets))).toEqual(read);
    for (let cut = 0; cut < octets.length; cut += 1) {
      if (octets.length < 1000 || cut % 997 === 0)
        expect(readProxyHeader(octets.subarray(0, cut))).toBeUndefined();
    }
  });

  it.each(Object.entries(WRONG))('refuses %s', (_name, [octets, code]) => {
    expect(judge(octets)).toBe(code);
    expect(judge(Buffer.concat([octets, request]))).toBe(code);
    expect(feed(octets, everyCut(octets))).toBe(code);
  });

  it('refuses what is wrong at its first wrong octet', () => {
    expect(judge(text('G'))).toBe(MISSING);
    expect(judge(text('PROXYX'))).toBe(MISSING);
    expect(judge(text('\r\n\r\n\r'))).toBe(MISSING);
    expect(judge(Buffer.concat([v2.SIGNATURE, Buffer.from([0x11])]))).toBe(INVALID);
    expect(judge(Buffer.concat([v2.SIGNATURE, Buffer.from([0x21, 0x41])]))).toBe(INVALID);
  });

  it('gives values that do not change with the memory of the octets', () => {
    const octets = v2.header(0x21, 0x11, FROM_IPV4, tlv(TYPE.uniqueId, 'one'));
    const read = readProxyHeader(octets);
    octets.fill(0);
    expect(read?.header.tlvs).toEqual([{ type: 5, value: new Uint8Array(Buffer.from('one')) }]);
  });

  it('has the same outcome for garbage however it is cut', () => {
    const pieces = fc.oneof(
      fc.constantFrom(...Object.values(RIGHT).map(([octets]) => octets.subarray(0, 400))),
      fc.constantFrom(...Object.values(WRONG).map(([octets]) => octets.subarray(0, 400))),
      fc.constantFrom(v2.SIGNATURE, text('PROXY '), text('TCP4 '), text('\r\n'), text('\r'), text('\n')),
      fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets)),
    );
    const garbage = fc.array(pieces, { minLength: 1, maxLength: 4 }).map((parts) => Buffer.concat(parts));
    /** A right or wrong header with some octets replaced. */
    const damaged = fc
      .tuple(pieces, fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 0, max: 255 })), { maxLength: 3 }))
      .map(([octets, changes]) => {
        const copy = Buffer.from(octets);
        for (const [place, octet] of changes) if (place < copy.length) copy[place] = octet;
        return copy;
      });
    fc.assert(
      fc.property(fc.oneof(garbage, damaged), fc.array(fc.nat(500), { maxLength: 5 }), (octets, places) => {
        const whole = judge(octets);
        const cuts = [...places, octets.length]
          .filter((place) => place <= octets.length)
          .sort((a, b) => a - b);
        expect(feed(octets, cuts)).toEqual(whole);
        expect(feed(octets, everyCut(octets))).toEqual(whole);
        if (typeof whole === 'object') expect(judge(Buffer.concat([octets, octets]))).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });
});
