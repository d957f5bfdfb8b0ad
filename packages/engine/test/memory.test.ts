import { MemoryEngine } from '../src/index.ts';
import { engineSuite } from './engineSuite.ts';

engineSuite('memory', async () => new MemoryEngine());
