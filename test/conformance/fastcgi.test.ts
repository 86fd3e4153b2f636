import { auditHost } from './conformance.ts';
import { fastCgiCircle } from './fastcgi-host.ts';

auditHost(fastCgiCircle);
