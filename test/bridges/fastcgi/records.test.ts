/** The codec of FastCGI records, without a connection. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeNameValues, encodeNameValues } from '../../../bridges/fastcgi/name-values.ts';
import {
  BROKEN_RECORD,
  decodeBeginRequest,
  decodeEndRequest,
  encodeEndRequest,
  encodeRecords,
  encodeUnknownType,
  RecordParser,
  RecordType,
} from '../../../bridges/fastcgi/records.ts';
import { encodeBeginRequest } from './begin-request.ts';

const octetsOf = (...buffers: Uint8Array[][]): Buffer => Buffer.concat(buffers.flat());

const text = (octets: Buffer): string => octets.toString('latin1');

describe('RecordParser', () => {
  const stream = octetsOf(
    encodeBeginRequest(1, true),
    encodeRecords(RecordType.params, 1, Buffer.from('abc')),
    encodeRecords(RecordType.params, 1),
    encodeRecords(RecordType.stdin, 258, Buffer.from('12345678')),
    encodeUnknownType(99),
  );
  const expected = [
    [1, 1, '\0\x01\x01\0\0\0\0\0'],
    [4, 1, 'abc'],
    [4, 1, ''],
    [5, 258, '12345678'],
    [11, 0, 'c\0\0\0\0\0\0\0'],
  ];

  it.each([1, 2, 3, 7, 8, 9, 1000])('gives the same records in pieces of %i octets', (size) => {
    const parser = new RecordParser();
    const records = [];
    for (let at = 0; at < stream.length; at += size)
      records.push(...parser.push(stream.subarray(at, at + size)));
    expect(records.map((one) => [one.type, one.requestId, text(one.content)])).toEqual(expected);
  });

  it('gives what was written, however it is cut', () => {
    const content = fc.uint8Array({ maxLength: 600 });
    fc.assert(
      fc.property(
        fc.array(content, { maxLength: 5 }),
        fc.array(fc.nat(900), { maxLength: 6 }),
        (contents, cuts) => {
          const octets = octetsOf(
            ...contents.map((one, index) => encodeRecords(RecordType.stdout, index, one)),
          );
          const parser = new RecordParser();
          const ends = [...cuts.filter((cut) => cut < octets.length).sort((a, b) => a - b), octets.length];
          const records = ends.flatMap((end, index) => [
            ...parser.push(octets.subarray(ends[index - 1] ?? 0, end)),
          ]);
          expect(records.map((one) => text(one.content))).toEqual(
            contents.map((one) => text(Buffer.from(one))),
          );
        },
      ),
    );
  });

  it('gives the records before a fault', () => {
    const records: number[] = [];
    const read = (): void => {
      for (const { type } of new RecordParser().push(octetsOf([stream], [BROKEN_RECORD]))) records.push(type);
    };
    expect(read).toThrow('version 0 is not 1');
    expect(records).toEqual([1, 4, 4, 5, 11]);
  });

  it('takes a length of two octets and padding of one', () => {
    const header = Buffer.from([1, 6, 0, 1, 0xff, 0xff, 0xff, 0]);
    const [record] = new RecordParser().push(Buffer.concat([header, Buffer.alloc(65_535 + 255, 'x')]));
    expect(record?.content).toHaveLength(65_535);
  });

  it('refuses another version at the first octet', () => {
    expect(() => [...new RecordParser().push(Buffer.from([2]))]).toThrow('version 2 is not 1');
    expect(() => [...new RecordParser().push(Buffer.from('HTTP/1.1 200 OK'))]).toThrow(
      '"HTTP/1.1" is no record',
    );
  });
});

describe('encodeRecords', () => {
  it('cuts large content and pads to a multiple of 8', () => {
    const content = Buffer.alloc(200_001, 'y');
    const octets = octetsOf(encodeRecords(RecordType.stdin, 7, content));
    expect(octets.length % 8).toBe(0);
    const records = [...new RecordParser().push(octets)];
    expect(records.length).toBe(4);
    expect(Buffer.concat(records.map((one) => one.content)).equals(content)).toBe(true);
  });
});

describe('contents of records', () => {
  it('come back', () => {
    const [begin] = new RecordParser().push(octetsOf(encodeBeginRequest(3, false)));
    expect(decodeBeginRequest(begin?.content ?? Buffer.alloc(0))).toEqual({
      role: 1,
      keepsConnection: false,
    });
    const end = { appStatus: 0x01020304, protocolStatus: 2 };
    const [record] = new RecordParser().push(octetsOf(encodeEndRequest(3, end)));
    expect(decodeEndRequest(record?.content ?? Buffer.alloc(0))).toEqual(end);
  });

  it('are refused if they are too short', () => {
    expect(() => decodeBeginRequest(Buffer.alloc(2))).toThrow('too short');
    expect(() => decodeEndRequest(Buffer.alloc(4))).toThrow('too short');
  });
});

describe('name-value pairs', () => {
  it('come back, octet by octet', () => {
    const native = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 300 });
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(native, native), { selector: ([name]) => name }), (pairs) => {
        expect([...decodeNameValues(Buffer.concat(encodeNameValues(pairs)))]).toEqual(pairs);
      }),
    );
  });

  it('have lengths of one octet up to 127, and of four beyond', () => {
    expect(encodeNameValues([['a', 'x'.repeat(127)]])[0]?.subarray(0, 3)).toEqual(Buffer.from([1, 127, 97]));
    const long = Buffer.from([1, 0x80, 0, 0, 0x80, 97]);
    expect(encodeNameValues([['a', 'x'.repeat(128)]])[0]?.subarray(0, 6)).toEqual(long);
  });

  it('stay whole in a record', () => {
    const pairs = Array.from({ length: 40 }, (_, index) => [`N${index}`, 'v'.repeat(4_000)] as const);
    const contents = encodeNameValues(pairs);
    expect(contents.length).toBeGreaterThan(1);
    expect(contents.flatMap((one) => [...decodeNameValues(one)])).toEqual(pairs);
    expect(contents.every((one) => one.length <= 65_535)).toBe(true);
  });

  it.each(['\x05', '\x80\0', '\x03\x01ab', '\x01\x01a', '\x01\xff\xff\xff\xffa'])(
    '%j is refused',
    (octets) => {
      expect(() => decodeNameValues(Buffer.from(octets, 'latin1'))).toThrow('incomplete');
    },
  );
});
