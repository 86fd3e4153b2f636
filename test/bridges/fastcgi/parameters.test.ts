/** The memory of parameters: what was written for one request never shows in another. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MetaVariables } from '../../../bridges/_cgi/meta-variables.ts';
import { decodeNameValues } from '../../../bridges/fastcgi/name-values.ts';
import { ParameterWriter } from '../../../bridges/fastcgi/parameters.ts';
import { RecordParser } from '../../../bridges/fastcgi/records.ts';

/** Writes the parameters of one request, and reads them as a responder does. */
function pass(writer: ParameterWriter, pairs: Readonly<Record<string, string>>): Record<string, string> {
  const records = writer.write(new MetaVariables(Object.entries(pairs).flat())).records(1);
  const contents = [...new RecordParser().push(Buffer.from(records, 'latin1'))].map((one) => one.content);
  // Each record holds whole pairs, as php-fpm wants them.
  return Object.assign({}, ...contents.map((one) => Object.fromEntries(decodeNameValues(one))));
}

const native = (maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.integer({ min: 1, max: 255 }), { maxLength }).map((codes) => String.fromCharCode(...codes));

it('gives each request its own values, whatever the requests before had', () => {
  const name = fc.constantFrom('HTTP_A', 'HTTP_B', 'HTTP_HOST', 'REQUEST_URI', 'SERVER_NAME', 'HTTP_AB');
  const value = fc.oneof(fc.constantFrom('', 'a', 'b', 'ab', 'x'.repeat(127), 'x'.repeat(128)), native(300));
  fc.assert(
    fc.property(fc.array(fc.dictionary(name, value), { maxLength: 12 }), (requests) => {
      const writer = new ParameterWriter();
      for (const pairs of requests) expect(pass(writer, pairs)).toEqual(pairs);
    }),
  );
});

it('writes more names than it remembers', () => {
  const writer = new ParameterWriter();
  for (const round of ['one', 'two', 'two']) {
    const pairs = Object.fromEntries(
      Array.from({ length: 200 }, (_, at) => [`HTTP_X${at}`, `${round} ${at}`]),
    );
    expect(pass(writer, pairs)).toEqual(pairs);
  }
});

it('splits parameters between pairs, and keeps a pair alone that fills a record', () => {
  const writer = new ParameterWriter();
  const pairs = { A: 'a'.repeat(40_000), B: 'b'.repeat(40_000), C: 'c' };
  expect(pass(writer, pairs)).toEqual(pairs);
  expect(pass(writer, { ...pairs, C: 'd' })).toEqual({ ...pairs, C: 'd' });
});

it('checks a value that takes the place of one that it remembers', () => {
  const writer = new ParameterWriter();
  expect(pass(writer, { HTTP_A: 'good' })).toEqual({ HTTP_A: 'good' });
  expect(() => pass(writer, { HTTP_A: 'go\0d' })).toThrow(/NUL in HTTP_A/);
  expect(() => pass(writer, { HTTP_A: 'Łódź' })).toThrow(/HTTP_A must be a native string/);
  expect(pass(writer, { HTTP_A: 'good' })).toEqual({ HTTP_A: 'good' });
});
