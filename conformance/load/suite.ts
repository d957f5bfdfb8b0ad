import type { Suite } from '../runner/suite.ts';
export const loadSuite: Suite = { name: 'load', run: async function* () {} };
