import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Examples import 'gatebridge/…' as users write it; the paths of tsconfig.json lead that to the sources.
  resolve: { tsconfigPaths: true },
  test: {
    // Most tests wait for sockets and for child processes, not for the processor.
    maxWorkers: 4,
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
  },
});
