import { FluxCDEventsError, type FluxCDEventsErrorCode } from '../errors.ts';
import type { ErrorAnswer } from './api-types.ts';

/** A refused request, with the HTTP status of the answer. */
export class ApiError extends FluxCDEventsError {
  readonly status: number;
  /** The ids that an ambiguous id matches. */
  readonly ids: readonly string[];
  /** Seconds, for the header `Retry-After`. */
  readonly retryAfterS: number | undefined;

  constructor(
    status: number,
    code: FluxCDEventsErrorCode,
    message: string,
    { ids = [], retryAfterS }: { readonly ids?: readonly string[]; readonly retryAfterS?: number } = {},
  ) {
    super(code, message);
    this.name = 'ApiError';
    this.status = status;
    this.ids = ids;
    this.retryAfterS = retryAfterS;
  }
}

const statusByCode: Partial<Record<FluxCDEventsErrorCode, number>> = {
  FCE_EVENT_INVALID: 400,
  FCE_OPTION_INVALID: 400,
  FCE_NOT_FOUND: 404,
  FCE_CONFIG_INVALID: 409,
  FCE_API_REFUSED: 409,
  FCE_CONFIG_NOT_LOADED: 503,
  FCE_STORE_UNAVAILABLE: 503,
};

/** Converts an error to the status and body of the answer. The answer reveals no details of an unexpected error. */
export function answerFor(error: unknown): { readonly status: number; readonly body: ErrorAnswer } {
  if (error instanceof ApiError) {
    const { status, code, message, ids } = error;
    return { status, body: { code, message, ...(ids.length > 0 && { ids: [...ids] }) } };
  }
  if (error instanceof FluxCDEventsError) {
    const status = statusByCode[error.code];
    if (status !== undefined) return { status, body: { code: error.code, message: error.message } };
  }
  const { statusCode, message } = error as { statusCode?: unknown; message?: unknown };
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return { status: statusCode, body: { code: 'FCE_API_REFUSED', message: String(message) } };
  }
  return {
    status: 500,
    body: { code: 'FCE_INTERNAL', message: 'an unexpected error occurred; the log has the details' },
  };
}
