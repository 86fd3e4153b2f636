/**
 * Sends the body of a wrapped program: each chunk in the call by which the program lets it go, without a promise unless the
 * client has to catch up.
 */
import type { Chunk } from '../wsgi.ts';
import type { BodyReader } from './body-reader.ts';
import { onNextTurn } from './platform.ts';
import type { ResponseWriter } from './response-writer.ts';

/** Chunks that an iterable may give without waiting, before the event loop gets its turn. */
export const CHUNKS_A_TURN = 32;

/**
 * Sends chunks until the body ends or the response is full.
 *
 * @param reader Reads a body that has ready steps
 * @param writer Sends the chunks
 * @returns a promise that rejects with the error of the body or of the sink
 */
export function pumpBody(reader: BodyReader, writer: ResponseWriter): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let count = 0;
    let isPumping = false;

    /** Sends one chunk. Returns false if the next one has to wait, or if there is none. */
    const sendNext = (): boolean => {
      if (writer.gone !== undefined) throw writer.gone;
      if (writer.writing !== undefined) {
        // Middleware has called write; its caller handles a failure.
        writer.writing.then(pump, pump);
        return false;
      }
      const step = reader.nextReady(pump);
      // The count goes on: a program that writes in reactions to what was taken gives nobody a turn either.
      if (step === undefined) return false;
      if (step.done) {
        resolve();
        return false;
      }
      // The writer checks the type of a chunk.
      const chunk = writer.toOctets(step.value as Chunk);
      if (chunk.length === 0) return true;
      if (writer.response.state !== 'sent') writer.sendHead(undefined);
      const wait = writer.send(chunk);
      if (writer.response.isFull) {
        resolve();
        return false;
      }
      count += 1;
      if (wait !== undefined) wait.then(pump, reject);
      else if (count % CHUNKS_A_TURN === 0) onNextTurn(pump);
      else return true;
      return false;
    };

    const pump = (): void => {
      // The sink may make the program write more: the loop that is running takes it.
      if (isPumping) return;
      isPumping = true;
      try {
        while (sendNext());
      } catch (error) {
        reject(error);
      } finally {
        isPumping = false;
      }
    };

    pump();
  });
}
