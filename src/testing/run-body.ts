/** The body of a response, as a test reads it. */
import type { Headers } from '../gateway/headers.ts';
import { charsetOf } from '../gateway/read-body.ts';
import type { TestSink } from './test-sink.ts';

/** The body of a response: can be iterated once, or read whole. */
export interface RunBody extends AsyncIterable<Uint8Array> {
  /** Reads what is left, and closes the body. Asked again, it gives the same octets. */
  bytes(): Promise<Uint8Array>;
  /** Reads what is left as text, by the charset of Content-Type or as UTF-8, and closes the body. */
  text(): Promise<string>;
  /** Leaves as a client does, and waits until the application has closed its body. */
  close(): Promise<void>;
}

/**
 * Makes the body of a response.
 *
 * @param sink Gives the content
 * @param headers Tell the charset
 */
export function createBody(sink: TestSink, headers: Headers): RunBody {
  const chunks = read(sink);
  let whole: Promise<Uint8Array> | undefined;
  const bytes = (): Promise<Uint8Array> => {
    whole ??= collect(chunks);
    return whole;
  };
  return {
    bytes,
    text: async () => decode(await bytes(), headers),
    close: () => sink.leave(),
    [Symbol.asyncIterator]: () => (whole === undefined ? chunks : replay(whole)),
  };
}

/** Leaves if the test stops reading. */
async function* read(sink: TestSink): AsyncGenerator<Uint8Array> {
  let isComplete = false;
  try {
    for (let chunk = await sink.next(); chunk !== undefined; chunk = await sink.next()) yield chunk;
    isComplete = true;
  } finally {
    if (!isComplete) await sink.leave();
  }
}

async function* replay(whole: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  const octets = await whole;
  if (octets.length > 0) yield octets;
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  return Buffer.concat(pieces);
}

/** @throws RangeError if the charset is unknown */
function decode(octets: Uint8Array, headers: Headers): string {
  // A byte order mark is content, as on the wire.
  return new TextDecoder(charsetOf(headers.get('Content-Type')), { ignoreBOM: true }).decode(octets);
}
