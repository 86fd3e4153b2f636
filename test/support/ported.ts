/** Cases of other projects' tests, re-expressed: each passes as there, or differs and says why. */
import { afterAll, describe, it } from 'vitest';

/** One case. */
export interface PortedCase {
  /** Its name there, and what of it this is. */
  readonly name: string;
  /** Why the outcome is another one here; then `run` checks that outcome, if there is any. */
  readonly differs?: string;
  run?(): unknown;
}

/** Declares the tests, and prints how many pass as there and how many differ. */
export function declarePorted(origin: string, cases: readonly PortedCase[]): void {
  describe(origin, () => {
    for (const { name, differs, run } of cases) {
      it(differs === undefined ? name : `${name} (differs: ${differs})`, async () => {
        await run?.();
      });
    }

    it('each have a name of their own, and a check or a reason', ({ expect }) => {
      expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
      expect(cases.filter(({ differs, run }) => differs === undefined && run === undefined)).toEqual([]);
    });

    afterAll(() => {
      const differing = cases.filter(({ differs }) => differs !== undefined);
      const absent = differing.filter(({ run }) => run === undefined).length;
      process.stdout.write(
        `${origin}: ${cases.length - differing.length} cases pass as there, ${differing.length} differ (${absent} of them have nothing to check here)\n`,
      );
    });
  });
}
