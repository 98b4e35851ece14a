import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * The proxy that the environment configures for an address. The rules are those of Go's `net/http`, which the
 * notification-controller uses: the scheme selects `HTTP_PROXY` or `HTTPS_PROXY`, also in lower case. Loopback
 * addresses and those that `NO_PROXY` names use no proxy.
 * @see https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
 */
export function proxyFromEnv(address: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { protocol, hostname, port } = new URL(address);
  const read = (name: string) => env[name] || env[name.toLowerCase()] || '';
  const proxy = read(protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY').trim();
  if (proxy === '') return undefined;
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (isLoopback(host)) return undefined;
  const rules = read('NO_PROXY').split(',');
  if (rules.some((rule) => excludes(rule.trim().toLowerCase(), host, port || (protocol === 'https:' ? '443' : '80')))) {
    return undefined;
  }
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

/** A rule is `*`, a CIDR block, an IP address or a domain. The last two may have a port, and then apply only to it. */
function excludes(rule: string, host: string, port: string): boolean {
  if (rule === '') return false;
  if (rule === '*') return true;
  if (rule.includes('/')) return inBlock(rule, host);
  const [, name = rule, rulePort] = /^\[?([^[\]]*?)\]?:(\d+)$/.exec(isIP(rule) ? '' : rule) ?? [];
  if (rulePort !== undefined && rulePort !== port) return false;
  return matches(name.replace(/^\*\./, '.').replace(/^\[(.*)\]$/, '$1'), host);
}

function matches(name: string, host: string): boolean {
  if (isIP(name) || isIP(host)) return name === host;
  return name.startsWith('.') ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function inBlock(rule: string, host: string): boolean {
  const [network = '', prefix = ''] = rule.split('/');
  const family = isIP(host);
  if (family === 0 || isIP(network) !== family || !/^\d+$/.test(prefix)) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (Number(prefix) > (family === 4 ? 32 : 128)) return false;
  const block = new BlockList();
  block.addSubnet(network, Number(prefix), type);
  return block.check(host, type);
}
