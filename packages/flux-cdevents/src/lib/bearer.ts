/**
 * The token of `Authorization: Bearer <token>`, else an empty string. The scheme is case-insensitive (RFC 9110 section
 * 11.1).
 */
export const bearerOf = (authorization = ''): string => /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
