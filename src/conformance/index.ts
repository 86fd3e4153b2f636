/** Entry `gatebridge/conformance`: the audits, and the types of a host to audit. */
export { type AuditFailure, assertConforms, ConformanceError } from './assert-conforms.ts';
export {
  AUDIT_CAPABILITIES,
  type AuditCapability,
  type AuditGatewayOptions,
  type AuditHost,
  type AuditLayer,
  type AuditMiddleware,
  type AuditProgram,
  type AuditSentence,
  type AuditServeOptions,
  type AuditServer,
  type AuditWrapper,
  type GatewayAudit,
  type HostParser,
  type Listener,
  missingCapabilities,
} from './audit.ts';
export { gatewayAudits } from './gateway-audits.ts';
