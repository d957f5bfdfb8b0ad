export {
  Connection,
  type ConnectionParts,
  type ErrorCodec,
  type Handlers,
  type Protocol,
} from './connection.ts';
export { connectToListener, LinkListener, type LinkPeer } from './listener.ts';
export { SharedWords } from './sharedWords.ts';
