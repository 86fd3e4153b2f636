import { expressMounted, expressRoot, node, standalone } from '../conformance/hosts.ts';
import { auditValidated } from './hosts.ts';

auditValidated(standalone, true);
for (const host of [node, expressRoot, expressMounted]) auditValidated(host);
