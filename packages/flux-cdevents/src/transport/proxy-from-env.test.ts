import { expect, it } from 'vitest';
import { proxyFromEnv } from './proxy-from-env.ts';

const proxies = { HTTP_PROXY: 'http://proxy:3128', HTTPS_PROXY: 'https://secure-proxy' };

it.each([
  ['http://sink.apps', {}, 'http://proxy:3128'],
  ['https://sink.apps', {}, 'https://secure-proxy'],
  ['http://sink.apps', { HTTP_PROXY: '', http_proxy: 'proxy:1' }, 'http://proxy:1'],
  ['http://sink.apps', { HTTP_PROXY: '' }, undefined],
  ['http://localhost:8080', {}, undefined],
  ['http://127.0.0.1', {}, undefined],
  ['http://[::1]:80', {}, undefined],
  ['http://sink.apps', { NO_PROXY: '*' }, undefined],
  ['http://sink.apps.svc.cluster.local', { NO_PROXY: '10.0.0.0/8,.svc,.cluster.local' }, undefined],
  ['http://sink.apps.svc.cluster.local', { NO_PROXY: '*.cluster.local' }, undefined],
  ['http://cluster.local', { NO_PROXY: '.cluster.local' }, 'http://proxy:3128'],
  ['http://cluster.local', { NO_PROXY: 'cluster.local' }, undefined],
  ['http://a.cluster.local', { NO_PROXY: 'Cluster.local' }, undefined],
  ['http://acluster.local', { NO_PROXY: 'cluster.local' }, 'http://proxy:3128'],
  ['http://10.100.0.17:5000', { NO_PROXY: ' 10.96.0.0/12 ' }, undefined],
  ['http://10.1.0.17:5000', { NO_PROXY: '10.96.0.0/12' }, 'http://proxy:3128'],
  ['http://10.1.0.17:5000', { NO_PROXY: '10.1.0.17' }, undefined],
  ['http://10.1.0.17:5000', { NO_PROXY: '10.1.0.17:5000' }, undefined],
  ['http://10.1.0.17:5000', { NO_PROXY: '10.1.0.17:80' }, 'http://proxy:3128'],
  ['http://10.1.0.17', { NO_PROXY: '10.1.0.17:80' }, undefined],
  ['https://sink.apps', { NO_PROXY: 'sink.apps:443' }, undefined],
  ['http://[fd00::1]:80', { NO_PROXY: 'fd00::/8' }, undefined],
  ['http://[fd00::1]', { NO_PROXY: '[fd00::1]:80' }, undefined],
  ['http://[fd00::1]', { NO_PROXY: 'fd00::1' }, undefined],
  ['http://10.1.0.17', { NO_PROXY: '10.1.0.0/99,/,a/b,fd00::/8,17,' }, 'http://proxy:3128'],
])('%s with %j → %s', (address, env, expected) => {
  expect(proxyFromEnv(address, { ...proxies, ...env })).toBe(expected);
});
