export { createNfsDoor, type NfsDoor, type NfsDoorOptions } from './door.ts';
export { createNfsGateway, type NfsGateway, type NfsGatewayOptions } from './gateway.ts';
export type { CallOutcome } from './nfs/program.ts';
export type { Logger } from './rpc/program.ts';
export { XdrError } from './xdr/error.ts';
export { XdrReader } from './xdr/reader.ts';
export { XdrWriter } from './xdr/writer.ts';
