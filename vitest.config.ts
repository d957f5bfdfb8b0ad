import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (folder: string) => fileURLToPath(new URL(`${folder}/src/index.ts`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: {
      '@facet/journal': source('packages/journal'),
      '@facet/link': source('packages/link'),
      '@facet/engine': source('packages/engine'),
      '@facet/extents': source('packages/extents'),
      '@facet/core': source('core'),
      '@facet/gateway-s3': source('gateway-s3'),
      '@facet/gateway-nfs': source('gateway-nfs'),
    },
  },
  test: {
    include: [
      '{core,gateway-s3,gateway-nfs,conformance,bench,tidy}/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
    ],
    // They bound what hangs. What is only slow, on a machine that has much else to do, is not to fail.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // Many tests wait for the processes that they start; by default one core would be left to nobody.
    maxWorkers: '100%',
  },
});
