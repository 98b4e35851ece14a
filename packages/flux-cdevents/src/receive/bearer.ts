import { createHash, timingSafeEqual } from 'node:crypto';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Checks `Authorization: Bearer <token>` in constant time.
 * @param token read for each request, so that a rotated file counts at once
 */
export const createBearerCheck =
  (token: () => string) =>
  (authorization = ''): boolean => {
    const [, presented = ''] = /^Bearer +(.+)$/i.exec(authorization) ?? [];
    const expected = token();
    return expected !== '' && timingSafeEqual(digest(presented), digest(expected));
  };
