/** The responses of a client that the test has not read, so that no error of theirs is lost. */
import type { TestSink } from './test-sink.ts';

/** Keeps the sinks of responses until the test has seen how they end. */
export class UnreadResponses {
  readonly #sinks = new Set<TestSink>();

  add(sink: TestSink): void {
    if (!sink.isSeen) this.#sinks.add(sink);
  }

  /**
   * Forgets the responses that have ended.
   *
   * @throws the error of a response that failed and that the test has not begun to read
   */
  check(): void {
    for (const sink of this.#sinks) {
      if (!sink.isSeen && sink.failure === undefined) continue;
      this.#sinks.delete(sink);
      if (!sink.isUsed && sink.failure !== undefined) throw sink.failure.error;
    }
  }

  /** Leaves them all. Throws as {@link check} does. */
  async close(): Promise<void> {
    const unused = [...this.#sinks].filter((sink) => !sink.isUsed);
    // The error of a response that the test reads is thrown at its reader.
    await Promise.allSettled([...this.#sinks].map((sink) => sink.leave()));
    this.#sinks.clear();
    for (const { failure } of unused) if (failure !== undefined) throw failure.error;
  }
}
