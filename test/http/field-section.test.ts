import { describe, expect, it } from 'vitest';
import { WholeSections } from '../../src/http/field-section.ts';

describe('WholeSections', () => {
  const text = 'GET / HTTP/1.1\r\nA: 1\r\nb:2\r\n\r\n';

  it('parses a section in the middle of a text', () => {
    expect(new WholeSections().parse(text, 16, text.length - 2, 10)).toEqual(['A', '1', 'b', '2']);
  });

  it('tells sections of the same length apart', () => {
    const sections = new WholeSections();
    sections.parse('A: 1\r\n', 0, 6, 10);
    expect(sections.parse('A: 2\r\n', 0, 6, 10)).toEqual(['A', '2']);
    expect(sections.parse('', 0, 0, 10)).toEqual([]);
    expect(sections.parse('A: 2\r\n', 0, 6, 10)).toEqual(['A', '2']);
  });

  it('gives the same list for a repeated section', () => {
    const sections = new WholeSections();
    const fields = sections.parse('A: 1\r\nB: 2\r\n', 0, 12, 2);
    expect(sections.parse('A: 1\r\nB: 2\r\n', 0, 12, 2)).toBe(fields);
  });

  it('does not remember a section that it refused', () => {
    const sections = new WholeSections();
    for (let time = 0; time < 3; time += 1) {
      expect(() => sections.parse('A: 1\r\nB: 2\r\n', 0, 12, 1)).toThrow(
        expect.objectContaining({ code: 'WSGI_ERR_FIELDS_TOO_MANY', statusCode: 431 }),
      );
    }
  });
});
