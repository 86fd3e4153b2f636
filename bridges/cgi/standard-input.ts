/** Reads the content of a request from standard input, to its length and not an octet further (RFC 3875 §4.2). */

import { read } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isError } from '../../src/gateway/index.ts';
import { type InputSource, ProtocolError } from '../../src/index.ts';

const STANDARD_INPUT = 0;
const BLOCK_SIZE = 65_536;
const RETRY_DELAY = 10;

const readOctets = promisify(read);

/**
 * Makes a source of the content on standard input.
 *
 * `process.stdin` is not used: it reads ahead, and a server need not signal the end.
 *
 * @param length The octets to read, at least one
 */
export function createStandardInput(length: number): InputSource {
  let remaining = length;
  return {
    async pull() {
      if (remaining === 0) return null;
      const block = await readBlock(Math.min(remaining, BLOCK_SIZE));
      // The server may still read the output, so this is an answer: RFC 9112 §8 says that it is incomplete.
      if (block.length === 0) throw new ProtocolError('WSGI_ERR_CONTENT_INCOMPLETE');
      remaining -= block.length;
      return block;
    },
  };
}

async function readBlock(size: number): Promise<Buffer> {
  const block = Buffer.allocUnsafe(size);
  for (;;) {
    try {
      const { bytesRead } = await readOctets(STANDARD_INPUT, block, 0, size, null);
      return block.subarray(0, bytesRead);
    } catch (error) {
      if (codeOf(error) === 'ECONNRESET') return block.subarray(0, 0);
      // A pipe that somebody made non-blocking fails instead of waiting; node has no poll() for a plain descriptor.
      if (codeOf(error) !== 'EAGAIN') throw error;
      await sleep(RETRY_DELAY);
    }
  }
}

function codeOf(error: unknown): unknown {
  return isError(error) && 'code' in error ? error.code : undefined;
}
