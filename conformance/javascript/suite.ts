import type { Suite } from '../runner/suite.ts';
export const javascriptSuite: Suite = { name: 'javascript', run: async function* () {} };
