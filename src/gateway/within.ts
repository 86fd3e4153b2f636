/** Waiting that ends: for what an application may never settle. */
import { MAX_DELAY } from './max-delay.ts';
import { isPromise, toPromise } from './promise.ts';

/**
 * Waits for a value, but no longer than `timeout` milliseconds. What it rejects with afterwards is dropped.
 *
 * @param timeout Milliseconds
 */
export async function within(timeout: number, value: unknown): Promise<void> {
  if (!isPromise(value)) return;
  const promise = toPromise(value);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timedOut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(timeout, MAX_DELAY));
  });
  try {
    await Promise.race([promise, timedOut]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => {});
  }
}
