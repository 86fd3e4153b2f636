/**
 * Makes inputs: pipelined requests by the grammar of RFC 9112, with scattered defects, then damaged.
 *
 * Rule 1: an input depends only on its random numbers.
 * Rule 2: most of an input is right, so that a defect is reached, and not hidden behind another.
 */
import type { Random } from './random.ts';
import { REASONS } from './reasons.ts';
import {
  CHUNK_EXTENSION,
  CHUNK_SIZE,
  CODING,
  COLON,
  CONNECTION,
  FIELD,
  HOST,
  LENGTH,
  LINE_END,
  METHOD,
  OCTETS,
  type Part,
  TARGET,
  TRAILER,
  VERSION,
} from './vocabulary.ts';

/** Inputs on which we differ from node:http for a reason; similar inputs are worth a test. */
const EXAMPLES = REASONS.map(({ example }) => example);
/** A valid request at the end, which shows if a recipient has lost count of the octets. */
const SENTINEL = 'GET /sentinel HTTP/1.1\r\nHost: sentinel\r\n\r\n';
/** One word in this many is wrong; 0: none is. */
const SOUNDNESS = [0, 0, 150, 60, 30, 8];

/** Makes one input: a native string. */
export function generateInput(random: Random): string {
  const isNeighbour = random.once(20);
  let input = isNeighbour ? random.pick(EXAMPLES) : generatePipeline(random);
  if (random.once(isNeighbour ? 2 : 3)) input = damage(random, input);
  if (random.below(4) > 0) input += SENTINEL;
  return input;
}

function generatePipeline(random: Random): string {
  const maker = new RequestMaker(random, random.pick(SOUNDNESS));
  let input = random.once(20) ? '\r\n'.repeat(random.pick([1, 1, 2, 15, 16, 17])) : '';
  for (let count = random.pick([1, 1, 1, 2, 2, 3]); count > 0; count -= 1) input += maker.makeRequest();
  return input;
}

class RequestMaker {
  readonly #random: Random;
  readonly #soundness: number;

  constructor(random: Random, soundness: number) {
    this.#random = random;
    this.#soundness = soundness;
  }

  makeRequest(): string {
    const random = this.#random;
    const method = this.#word(METHOD);
    const space = this.#isWrong() ? random.pick(['', '  ', '\t', ' \t', '\v']) : ' ';
    const { fields, content } = this.#makeFraming();
    if (!this.#isWrong()) fields.push(`Host${this.#word(COLON)}${this.#word(HOST)}`);
    if (this.#isWrong()) fields.push(`Host: ${this.#word(HOST)}`);
    while (random.once(3)) fields.push(`Connection${this.#word(COLON)}${this.#word(CONNECTION)}`);
    for (let count = random.below(4); count > 0; count -= 1) fields.push(this.#word(FIELD));
    if (random.once(150)) fields.push(...this.#makeLarge());
    if (random.once(2)) random.shuffle(fields);
    const target = random.once(600) ? `/${'a'.repeat(16_360 + random.below(16))}` : this.#makeTarget(method);
    let text = `${method}${space}${target}${space}${this.#word(VERSION)}${this.#word(LINE_END)}`;
    for (const field of fields) text += this.#changeCase(field) + this.#word(LINE_END);
    return text + this.#word(LINE_END) + content;
  }

  #makeTarget(method: string): string {
    if (method === 'CONNECT') return this.#random.pick(['a:80', '[::1]:8', 'a:', 'a']);
    if (method === 'OPTIONS' && this.#random.once(2)) return '*';
    return this.#word(TARGET);
  }

  /** Fields near the limits. */
  #makeLarge(): string[] {
    const random = this.#random;
    switch (random.below(3)) {
      case 0:
        return Array.from({ length: 92 + random.below(12) }, () => 'a: b');
      case 1:
        return [`X: ${'a'.repeat(16_300 + random.below(80))}`];
      default:
        return Array.from({ length: 30 }, () => `X${'-x'.repeat(random.below(300))}: y`);
    }
  }

  #makeFraming(): { fields: string[]; content: string } {
    const random = this.#random;
    const fields: string[] = [];
    let content = '';
    const choice = random.below(8);
    if (choice > 2 && choice < 6) {
      const length = this.#word(LENGTH);
      fields.push(`Content-Length${this.#word(COLON)}${length}`);
      content = this.#makeData(Math.min(Number.parseInt(length, 10) || 0, 40));
    }
    if (choice > 5) {
      fields.push(`Transfer-Encoding${this.#word(COLON)}${this.#word(CODING)}`);
      content = this.#makeChunks();
    }
    if (this.#isWrong()) {
      fields.push(`Content-Length: ${random.pick([this.#word(LENGTH), String(content.length)])}`);
    }
    if (this.#isWrong()) fields.push(`Transfer-Encoding: ${this.#word(CODING)}`);
    if (this.#isWrong()) content = content.slice(random.below(3), content.length - random.below(3));
    return { fields, content };
  }

  /** Data that is a request to a recipient at the wrong octet. */
  #makeData(length: number): string {
    return 'GET /smuggled HTTP/1.1\r\nHost: smuggled\r\n\r\n'.slice(0, length);
  }

  #makeChunks(): string {
    const random = this.#random;
    let text = '';
    for (let count = random.below(4); count > 0; count -= 1) {
      const data = this.#makeData(random.pick([1, 3, 5, 10, 16, 42]));
      const size = data.length + (this.#isWrong() ? random.pick([-1, 1, 2]) : 0);
      text += `${this.#makeChunkLine(size)}${data}${this.#word(LINE_END)}`;
    }
    text += this.#isWrong() ? '' : this.#makeChunkLine(0);
    if (random.once(4)) {
      for (let count = random.below(3); count > 0; count -= 1) {
        text += this.#changeCase(this.#word(TRAILER)) + this.#word(LINE_END);
      }
    }
    return text + this.#word(LINE_END);
  }

  #makeChunkLine(size: number): string {
    const random = this.#random;
    const digits = random.once(2) ? size.toString(16) : size.toString(16).toUpperCase();
    let extension = this.#word(CHUNK_EXTENSION);
    if (random.once(300)) extension = `;a=${'b'.repeat(random.pick([5_500, 8_190, 16_370, 16_390]))}`;
    return `${this.#word(CHUNK_SIZE)}${digits}${extension}${this.#word(LINE_END)}`;
  }

  #word({ right, wrong }: Part): string {
    return this.#random.pick(this.#isWrong() ? wrong : right);
  }

  #isWrong(): boolean {
    return this.#soundness > 0 && this.#random.once(this.#soundness);
  }

  #changeCase(field: string): string {
    return this.#random.once(10) ? field.toLowerCase() : field;
  }
}

/** Changes, inserts, removes or repeats octets. */
function damage(random: Random, input: string): string {
  let damaged = input;
  for (let count = random.pick([1, 1, 1, 2, 4]); count > 0; count -= 1) damaged = damageOnce(random, damaged);
  return damaged;
}

function damageOnce(random: Random, input: string): string {
  const from = random.below(input.length + 1);
  const to = Math.min(input.length, from + random.pick([1, 1, 2, 8, 40]));
  const before = input.slice(0, from);
  const after = input.slice(from);
  switch (random.below(8)) {
    case 0:
      return before + random.pick(OCTETS) + after;
    case 1:
      return before + random.pick(OCTETS) + after.slice(1);
    case 2:
      return (
        before + String.fromCharCode((input.charCodeAt(from) || 0) ^ (1 << random.below(8))) + after.slice(1)
      );
    case 3:
      return before + input.slice(to);
    case 4:
      return before + input.slice(from, to) + after;
    case 5:
      return repeatLine(random, input);
    case 6:
      return before + generatePipeline(random).slice(random.below(60));
    default:
      return random.once(3) ? before : before + String.fromCharCode(random.below(256)) + after;
  }
}

function repeatLine(random: Random, input: string): string {
  const lines = input.split('\r\n');
  const line = lines[random.below(lines.length)] ?? '';
  lines.splice(random.below(lines.length), 0, line);
  return lines.join('\r\n');
}
