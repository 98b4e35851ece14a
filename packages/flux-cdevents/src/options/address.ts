/** Where a server listens. */
export interface Address {
  /** Absent: on every interface. */
  readonly host?: string;
  readonly port: number;
}

/** Parses a listen address as Go writes it: `:9090`, `127.0.0.1:9393`, `[::1]:8080`. Undefined when it is not valid. */
export function parseAddress(text: string): Address | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return undefined;
  const host = bracketed ?? plain;
  return { port, ...(host && { host }) };
}

/** True for an address that only this machine reaches. */
export const isLoopbackAddress = ({ host }: Address): boolean =>
  host !== undefined && (host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host));
