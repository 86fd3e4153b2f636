import { auditHost } from './conformance.ts';
import { nodeOverHttp2, standaloneOverHttp2 } from './http2-host.ts';

auditHost(nodeOverHttp2);
auditHost(standaloneOverHttp2);
