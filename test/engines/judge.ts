/** Runs one audit, in whatever runtime. */
import type { AuditHost, GatewayAudit } from '../../src/conformance/index.ts';

/** Milliseconds. Audits have deadlines of their own, which may depend on what the runtime lacks. */
const LIMIT = 15_000;

/** Gives why an audit fails; undefined if it passes. */
export async function judge(audit: GatewayAudit, host: AuditHost): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Not over after ${LIMIT} ms`)), LIMIT);
  });
  try {
    await Promise.race([audit.run(host), late]);
    return undefined;
  } catch (error) {
    return String(error instanceof Error ? error.message : error);
  } finally {
    clearTimeout(timer);
  }
}
