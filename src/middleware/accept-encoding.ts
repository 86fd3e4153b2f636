/** The Accept-Encoding field (RFC 9110 §12.5.3). */

import { TOKEN_PATTERN } from '../gateway/headers.ts';

/** Codings by their names in lower case, with their weights. */
type Weights = ReadonlyMap<string, number>;

const WEIGHT = String.raw`;[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)`;

/** codings [ weight ] */
const MEMBER = new RegExp(String.raw`^[ \t]*(${TOKEN_PATTERN})[ \t]*(?:${WEIGHT}[ \t]*)?$`);

/** Other names of codings (RFC 9110 §8.4.1). */
const ALIASES: Readonly<Record<string, string>> = { 'x-gzip': 'gzip', 'x-compress': 'compress' };

/**
 * Chooses the coding of a response: the one that the client prefers, and the first one that is offered of those that it likes equally.
 *
 * A malformed member counts as absent.
 *
 * @param field The value of Accept-Encoding
 * @param offered Codings in the order in which the server prefers them
 * @returns undefined if the content is to be sent as it is: also if the client accepts nothing that is offered, which is better
 *   than no content
 */
export function chooseCoding(field: string | undefined, offered: readonly string[]): string | undefined {
  // Most clients that want none send no field, or an empty one.
  if (field === undefined || field === '') return undefined;
  const weights = parseWeights(field);
  let chosen: string | undefined;
  let best = 0;
  for (const coding of offered) {
    const weight = weights.get(coding) ?? weights.get('*') ?? 0;
    if (weight > best) {
      chosen = coding;
      best = weight;
    }
  }
  return (weights.get('identity') ?? 0) > best ? undefined : chosen;
}

function parseWeights(field: string): Weights {
  const weights = new Map<string, number>();
  for (const member of field.toLowerCase().split(',')) {
    const [, name, weight] = MEMBER.exec(member) ?? [];
    if (name !== undefined) weights.set(ALIASES[name] ?? name, weight === undefined ? 1 : Number(weight));
  }
  return weights;
}
