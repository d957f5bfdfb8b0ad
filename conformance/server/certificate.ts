/** A certificate for a server on the loopback, signed by itself, gone with its folder. */
import { join } from 'node:path';
import { runCommand } from '../runner/command.ts';

export interface CertificateFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

export async function makeCertificate(folder: string): Promise<CertificateFiles> {
  const files = { certificateFile: join(folder, 'certificate.pem'), keyFile: join(folder, 'key.pem') };
  const names = 'subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1';
  await runCommand(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
      .concat(['-subj', '/CN=localhost', '-addext', names])
      .concat(['-keyout', files.keyFile, '-out', files.certificateFile]),
    { timeoutMs: 30_000 },
  );
  return files;
}
