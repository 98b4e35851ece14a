import { isSameSecret } from '../lib/secret-compare.ts';

/**
 * Checks `Authorization: Bearer <token>` in constant time.
 * @param token called for each request, so that a rotated file takes effect at once
 */
export const createBearerCheck =
  (token: () => string) =>
  (authorization = ''): boolean => {
    const [, presented = ''] = /^Bearer +(.+)$/i.exec(authorization) ?? [];
    return isSameSecret(presented, token());
  };
