import type { Suite } from '../runner/suite.ts';
export const rcloneSuite: Suite = { name: 'rclone', run: async function* () {} };
