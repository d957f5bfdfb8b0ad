import type { Suite } from '../runner/suite.ts';
export const awsCliSuite: Suite = { name: 'aws-cli', run: async function* () {} };
