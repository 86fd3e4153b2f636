/**
 * Content of any size passes through every host in bounded memory. GATEBRIDGE_ENDURANCE_SIZE is in octets; the
 * figures are printed.
 */
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { HOSTS, startHost } from './child.ts';

const SIZE = Number(process.env.GATEBRIDGE_ENDURANCE_SIZE ?? 402_653_184);
const LIMIT = 150 * 1_048_576;
const PIECE = Buffer.alloc(65_536, 'x');

const inMebibytes = (octets: number): string => (octets / 1_048_576).toFixed(0);

describe.each(HOSTS)('memory: %s', (name) => {
  it('stays flat while content comes in and goes out', { timeout: 120_000 }, async () => {
    const host = await startHost(name);
    const fields = 'Host: a\r\nConnection: close\r\n';
    try {
      // A small warm-up, so that loading and compiling at the first request is not counted.
      const warmUp = host.connect();
      warmUp.end(`GET ${host.mount}/download?1000000 HTTP/1.1\r\n${fields}\r\n`);
      await warmUp.resume().toArray();
      const idle = (await host.report()).rss;

      const upload = host.connect();
      upload.write(`POST ${host.mount}/upload HTTP/1.1\r\n${fields}Content-Length: ${SIZE}\r\n\r\n`);
      for (let rest = SIZE; rest > 0; rest -= PIECE.length) {
        if (!upload.write(PIECE.subarray(0, rest))) await once(upload, 'drain');
      }
      const answer = Buffer.concat(await upload.toArray()).toString();
      expect(answer).toContain(String(SIZE));
      const afterUpload = await host.report();

      const download = host.connect();
      download.write(`GET ${host.mount}/download?${SIZE} HTTP/1.1\r\n${fields}\r\n`);
      let length = 0;
      for await (const piece of download) length += piece.length;
      expect(length).toBeGreaterThan(SIZE);
      const afterDownload = await host.report();

      const [up, down] = [afterUpload.peak - idle, afterDownload.peak - idle];
      console.log(
        `${name}: idle ${inMebibytes(idle)} MiB; ${inMebibytes(SIZE)} MiB uploaded: +${inMebibytes(up)} MiB at most; ` +
          `downloaded: +${inMebibytes(down)} MiB at most`,
      );
      expect(up).toBeLessThan(LIMIT);
      expect(down).toBeLessThan(LIMIT);
    } finally {
      await host.stop();
    }
  });
});
