/** Reasons for which a host cannot pass an audit, and the audits that they keep from it. */
export type Exemptions = Readonly<Record<string, readonly string[]>>;

/** Gives the reasons by audit. */
export function reasonsOf(...tables: readonly Exemptions[]): ReadonlyMap<string, string> {
  return new Map(
    tables
      .flatMap(Object.entries<readonly string[]>)
      .flatMap(([reason, ids]) => ids.map((id) => [id, reason] as const)),
  );
}
