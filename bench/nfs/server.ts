/** An NFS server that has been started for the bench. */
export interface NfsServer {
  readonly pid: number;
  readonly nfsPort: number;
  readonly mountPort: number;
  readonly exportPath: string;
  stop(): Promise<void>;
}
