import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Access, Api } from './api.ts';
import { type FluxVersion, fluxObjectCrds, notificationCrds } from './fixtures/crds.ts';

const BASE = join(import.meta.dirname, '../deploy/base');

/** What an administrator installs beside Flux, without the Deployment: the ServiceAccount and its permissions. */
export async function applyRbac(admin: Api): Promise<void> {
  await admin.namespace('flux-system');
  for (const name of ['service-account', 'cluster-role', 'cluster-role-binding']) {
    await admin.apply(readFileSync(join(BASE, `${name}.yaml`), 'utf8'));
  }
}

/** The permissions and the CRDs of a Flux installation. */
export async function applyShipped(admin: Api, flux: FluxVersion = '2.10'): Promise<void> {
  await applyRbac(admin);
  await admin.apply(notificationCrds(flux));
  await admin.apply(fluxObjectCrds());
}

/** Access to the API server as the shipped ServiceAccount. */
export const asController = async (admin: Api): Promise<Access> => ({
  ...admin.access,
  token: await admin.tokenFor('flux-system', 'flux-cdevents'),
});
