/** An example that breaks a MUST, to see that the validator notices it. */
import { runCgi } from 'gatebridge/cgi';

await runCgi((_environ, startResponse) => {
  startResponse('200 OK', [
    ['Content-Type', 'text/plain'],
    ['Content-Length', '9'],
  ]);
  return [Buffer.from('short')];
});
