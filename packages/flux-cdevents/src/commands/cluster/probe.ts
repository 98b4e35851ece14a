import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { messageOf } from '../../errors.ts';
import type { Endpoint } from '../../provider/provider.ts';

export type ProbedEndpoint = Pick<Endpoint, 'address' | 'addressIsSecret' | 'proxy' | 'tls'>;

const PROBE_WITHIN_MS = 3_000;

/** The target of a probe: the address, or the proxy on the way to it. */
const targetOf = ({ address, proxy }: ProbedEndpoint): URL => new URL(proxy?.url ?? address);

/** The target of a probe without secrets. */
export const shownTarget = (endpoint: ProbedEndpoint): string => {
  if (endpoint.proxy) return 'its proxy';
  return endpoint.addressIsSecret ? 'the address in its Secret' : targetOf(endpoint).origin;
};

/**
 * Opens a connection and closes it, with a TLS handshake for https. Sends no request.
 * @returns why the connection failed, without a secret address; undefined when it was opened
 */
export function probeAddress(endpoint: ProbedEndpoint, withinMs = PROBE_WITHIN_MS): Promise<string | undefined> {
  const { protocol, hostname, port } = targetOf(endpoint);
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const secure = protocol === 'https:';
  const target = { host, port: Number(port) || (secure ? 443 : 80) };
  return new Promise((resolve) => {
    const socket = secure
      ? connectTls({
          ...target,
          ...(!isIP(host) && { servername: host }),
          // The authorities of the Secret are for the receiver, not for a proxy.
          ...(endpoint.proxy ? {} : endpoint.tls),
          allowPartialTrustChain: true,
        })
      : connectTcp(target);
    const done = (trouble: string | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(trouble);
    };
    const timer = setTimeout(() => done(`no connection within ${withinMs / 1000} s`), withinMs);
    socket.once(secure ? 'secureConnect' : 'connect', () => done(undefined));
    socket.on('error', (error) => done(describe(error, endpoint.addressIsSecret || endpoint.proxy !== undefined)));
  });
}

/** Hides a secret host that a message names. */
function describe(error: Error, isSecret: boolean): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return isSecret ? 'an error' : messageOf(error);
  const isCertificate = !isSecret && !/^E[A-Z]+$/.test(code);
  // Cut off the advice for programs that run Node.js.
  return isCertificate ? `${code}: ${messageOf(error).replace(/;.*$/s, '')}` : code;
}

/** `hub.apps.svc.cluster.local.` and `hub`: a name that only pods can resolve. */
export function serviceIn(endpoint: ProbedEndpoint, namespace: string) {
  const { hostname, port, protocol } = targetOf(endpoint);
  const [name = '', within = namespace, svc = 'svc', ...rest] = hostname.replace(/\.$/, '').split('.');
  const isService = svc === 'svc' && ['', 'cluster.local'].includes(rest.join('.'));
  const isShort = !hostname.includes('.') && hostname !== 'localhost' && !hostname.startsWith('[');
  if (!isShort && !(isService && hostname.includes('.svc'))) return undefined;
  return { namespace: within, name, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}
