/**
 * The error of an entry that became a dead letter because it expired.
 * @param attempts attempts that ended, including the last one
 * @param lastError the error of the last failed attempt
 */
export const expiredError = (attempts: number, lastError: string | undefined): string =>
  withLastError(
    `not delivered within its max-age, after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
    lastError,
  );

/**
 * The error of an entry that became a dead letter, with what its last failed attempt said.
 * @param error why it became one
 */
export const withLastError = (error: string, lastError: string | undefined): string =>
  lastError === undefined ? error : `${error}; last error: ${lastError}`;
