/**
 * Why an entry that expired is a dead letter.
 * @param attempts attempts that ended, the last one included
 * @param lastError what the last failed attempt came to
 */
export const expiredError = (attempts: number, lastError: string | undefined): string =>
  withLastError(
    `not delivered within its max-age, after ${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`,
    lastError,
  );

/**
 * Why an entry that was abandoned is a dead letter.
 * @param error why its Provider's entries were abandoned
 */
export const abandonedError = (error: string, lastError: string | undefined): string => withLastError(error, lastError);

const withLastError = (error: string, lastError: string | undefined): string =>
  lastError === undefined ? error : `${error}; last error: ${lastError}`;
