import { auditHost } from './conformance.ts';
import { nodeOverHttp2 } from './http2-host.ts';

auditHost(nodeOverHttp2);
