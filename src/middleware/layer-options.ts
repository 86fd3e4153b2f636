/** Checks the options of middleware, and tells the likely mistakes of those who come from elsewhere. */
import { checkOptions, type OptionCheck } from '../gateway/check-options.ts';

/**
 * Checks the options of a middleware.
 *
 * @throws TypeError or RangeError if an option is wrong, or if an application was passed instead
 */
export function checkLayerOptions(
  options: object,
  rules: Parameters<typeof checkOptions>[1],
  hints: Pick<OptionCheck, 'likely' | 'meant'> = {},
): void {
  checkOptions(options, rules, {
    ...hints,
    insteadOfFunction: 'the application belongs into a second call, as in compress()(application)',
  });
}
