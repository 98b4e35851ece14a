/** What went wrong, in a form that programs and docs/errors.md refer to. A code never changes its meaning. */
export type FluxCDEventsErrorCode =
  | 'FCE_EVENT_INVALID'
  | 'FCE_CONFIG_INVALID'
  | 'FCE_CONFIG_NOT_LOADED'
  | 'FCE_OPTION_INVALID'
  | 'FCE_STORE_LOCKED'
  | 'FCE_STORE_TOO_NEW'
  | 'FCE_STORE_CORRUPT'
  | 'FCE_STORE_FAILED'
  | 'FCE_STORE_UNAVAILABLE'
  | 'FCE_LISTEN_FAILED'
  | 'FCE_STOPPED'
  | 'FCE_AUTH_UNAVAILABLE'
  | 'FCE_API_UNREACHABLE'
  | 'FCE_API_REFUSED'
  | 'FCE_NOT_FOUND'
  | 'FCE_DEMO_FAILED'
  | 'FCE_INTERNAL';

/** Stops the work at hand. The message names the object, what was expected and what was found, and no secret. */
export class FluxCDEventsError extends Error {
  readonly code: FluxCDEventsErrorCode;

  constructor(code: FluxCDEventsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FluxCDEventsError';
    this.code = code;
  }
}

/** The text of whatever was thrown. */
export const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
