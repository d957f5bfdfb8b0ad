import { defineConfig } from 'rolldown';

/**
 * What the `facet` command runs. Some 1,100 modules take Node 1.2 s of CPU to load, and the few files made of them 0.5: each
 * command waits for that, and each process of a server, whenever one is replaced.
 */
export default defineConfig({
  cwd: import.meta.dirname,
  platform: 'node',
  logLevel: 'warn',
  input: {
    main: 'dist/main.js',
    // Processes and threads begin with these, which are found beside whatever starts them.
    child: 'dist/serve/family/processes/child.js',
    thread: '../../gateway-s3/dist/hashing/thread.js',
  },
  // They load native code, or files of theirs, from where they lie.
  external: [/^aws-crt/, 'koffi', 'lmdb', 'pino'],
  output: {
    dir: 'bundle',
    // A server that runs from here loads some of them later: they stay when others are built beside.
    cleanDir: false,
    entryFileNames: '[name].js',
    // Flat: `import.meta.url` says the same wherever it ends up.
    chunkFileNames: '[name]-[hash].js',
  },
});
