/** A slow reader: no host may ask an application for more than its client takes. */
import { expect } from 'vitest';
import type { WireClient } from '../../src/conformance/wire-client.ts';
import type { Environ, StartResponse } from '../../src/wsgi.ts';
import { formatRequest } from './site.ts';

const CHUNK: Buffer = Buffer.alloc(64 * 1024);
const TOTAL = 1024;

/** An application that sends 64 MiB, and the reader of its response. */
export interface SlowReading {
  application(environ: Environ, startResponse: StartResponse): Iterable<Uint8Array>;
  /** Reads the head, waits, expects that the application had to wait too, and reads the rest. */
  read(client: WireClient, target: string): Promise<void>;
}

export function slowReading(): SlowReading {
  let given = 0;
  return {
    *application(_environ, startResponse) {
      startResponse('200 OK', []);
      for (; given < TOTAL; given += 1) yield CHUNK;
    },
    async read(client, target) {
      client.send(formatRequest(target));
      await client.readHead();
      await new Promise((resolve) => setTimeout(resolve, 200));
      // The most that the kernel buffers, far below 64 MiB.
      expect(given).toBeLessThan(TOTAL / 4);
      let length = 0;
      for (let chunk = await client.readChunk(); chunk !== null; chunk = await client.readChunk()) {
        length += chunk.length;
      }
      expect(length).toBe(TOTAL * CHUNK.length);
    },
  };
}
