/** Profiles the running server by V8's inspector, after the warm-up, so that it is in a steady state. */
import { Session } from 'node:inspector/promises';

export type ProfileKind = 'cpu' | 'allocations';

/** Fine enough to show small functions; finer sampling costs more than it shows. */
const SAMPLING_MICROSECONDS = 100;
const SAMPLING_OCTETS = 4096;

/** Makes one profile after another. */
export class Profiling {
  readonly #session = new Session();
  #kind: ProfileKind = 'cpu';

  async start(kind: ProfileKind): Promise<true> {
    const session = this.#session;
    this.#kind = kind;
    session.connect();
    if (kind === 'cpu') {
      await session.post('Profiler.enable');
      await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_MICROSECONDS });
      await session.post('Profiler.start');
    } else {
      await session.post('HeapProfiler.enable');
      const everything = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
      await session.post('HeapProfiler.startSampling', {
        samplingInterval: SAMPLING_OCTETS,
        ...everything,
      });
    }
    return true;
  }

  async stop(): Promise<unknown> {
    const session = this.#session;
    const { profile } = await (this.#kind === 'cpu'
      ? session.post('Profiler.stop')
      : session.post('HeapProfiler.stopSampling'));
    session.disconnect();
    return profile;
  }
}
