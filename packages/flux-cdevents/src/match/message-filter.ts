import { goRegexp } from '../lib/go-regexp.ts';

/**
 * Whether one of the expressions is found in the message. One that is no Go expression is found nowhere, as in the
 * notification-controller; the configuration reports it.
 */
export const includes = (message: string, expressions: readonly string[]): boolean =>
  expressions.some((expression) => {
    const regexp = goRegexp(expression);
    return typeof regexp !== 'string' && regexp.test(message);
  });
