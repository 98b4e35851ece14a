import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../test/helpers/command-io.ts';
import { RFC_ALERT, RFC_PROVIDER } from '../../test/helpers/rfc-example.ts';
import { checkPath, createCheckCommand } from './check.ts';

const good = `${RFC_PROVIDER}---
${RFC_ALERT}---
apiVersion: v1
kind: Secret
metadata:
  name: generic-token
  namespace: flux-system
stringData:
  token: s3cret
`;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flux-cdevents-'));
  await mkdir(join(directory, 'team'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

const write = (name: string, content: string) => writeFile(join(directory, name), content);

const check = (...argv: string[]) => runCommand(createCheckCommand, argv);

describe('check', () => {
  it('is content with a good folder', async () => {
    await write('team/all.yaml', good);
    expect(await check(directory)).toEqual({
      code: 0,
      stdout: '',
      stderr: '1 Provider, 1 Alert, 1 Secret in 1 file: 0 errors, 0 warnings\n',
    });
  });

  it('names file and line of what is wrong, and shows no secret', async () => {
    await write('providers.yaml', good.replace('http://', 'ftp://').replace('s3cret', '"s3\\ncret"'));
    await write(
      'team/alert.yaml',
      good.slice(0, good.lastIndexOf('---')).split('---\n')[1]?.replace('kind: Helm', 'kind: Heml') ?? '',
    );
    const { code, stdout, stderr } = await check(directory);
    expect(code).toBe(1);
    expect(stdout.split('\n')).toEqual([
      'providers.yaml:10: Provider flux-system/cdevents-provider: spec.address: expected an absolute http or https URL, found ftp://…',
      'providers.yaml:30: Provider flux-system/cdevents-provider: Secret generic-token: token: expected one line of printable ASCII, found 7 bytes',
      'team/alert.yaml:4: Alert flux-system/cdevents-alert: metadata.name: expected every object once, found another definition at providers.yaml:15, which is the one in use',
      '',
    ]);
    expect(stderr).toBe('1 Provider, 1 Alert, 1 Secret in 2 files: 3 errors, 0 warnings\n');
  });

  it('does not fail for warnings', async () => {
    await write('all.yaml', good.replace('kind: HelmRelease', 'kind: HelmRelese'));
    const { code, stdout } = await check(directory);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^all\.yaml:21: Alert .* \(did you mean HelmRelease\?\), found "HelmRelese" \(warning\)\n$/,
      ),
    });
  });

  it('counts the mappings that Providers name, and says where they are wrong', async () => {
    const rules = (type: string) => `apiVersion: v1
kind: ConfigMap
metadata:
  name: rules
  namespace: flux-system
data:
  mapping.yaml: |
    rules:
      - name: mine
        match: event.reason == 'UpgradeSucceeded'
        emit:
          - type: ${type}
`;
    const annotated = good.replace(
      'metadata:',
      'metadata:\n  annotations: {cdevents.toolkit.fluxcd.io/mapping: rules}',
    );
    await write('all.yaml', annotated);
    await write('rules.yaml', rules('service.upgraded'));
    await write('other.yaml', rules('nothing').replace('name: rules', 'name: of-others'));
    expect(await check(directory)).toEqual({
      code: 0,
      stdout: '',
      stderr: '1 Provider, 1 Alert, 1 Secret, 1 ConfigMap in 3 files: 0 errors, 0 warnings\n',
    });
    await write('rules.yaml', rules('service.upgradet'));
    const { code, stdout } = await check(directory);
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: expect.stringMatching(
        /^rules\.yaml:12: Provider flux-system\/cdevents-provider: ConfigMap rules: mapping\.yaml:5:15: rules\[0\]\.emit\[0\]\.type: expected .* \(did you mean service\.upgraded\?\), found "service\.upgradet"\n$/,
      ),
    });
  });

  it('takes one file', async () => {
    await write('all.yaml', good.replace('  type: cdevents', '  type: cdevent'));
    expect(await check(join(directory, 'all.yaml'))).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^all\.yaml:7: Provider .* \(did you mean cdevents\?\), found "cdevent"\n$/),
    });
  });

  it('reports cross-namespace references when they are disabled', async () => {
    await write('all.yaml', good.replace("name: '*'", "name: '*'\n      namespace: apps"));
    expect((await check(directory)).code).toBe(0);
    expect((await check('--no-cross-namespace-refs', directory)).code).toBe(1);
  });

  it('prints one JSON document', async () => {
    await write('all.yaml', 'a: [');
    const { code, stdout } = await check('--json', directory);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      problems: [
        {
          where: 'all.yaml:1',
          severity: 'error',
          issue: {
            code: 'unreadable',
            path: 'document',
            expected: 'YAML',
            found: expect.stringMatching(/^an error: /),
          },
        },
      ],
      counts: { files: 1, providers: 0, alerts: 0, secrets: 0, configMaps: 0, errors: 1, warnings: 0 },
    });
  });

  it.each([
    [[], 'neither'],
    [['config', '--kubernetes'], 'both'],
    [['config', '--kubeconfig', 'file'], 'both'],
  ])('takes a path or a cluster: %j', async (argv, found) => {
    const { code, stderr } = await check(...argv);
    expect(code).toBe(2);
    expect(stderr).toMatch(`FCE_OPTION_INVALID: expected a path or --kubernetes, found ${found}`);
  });

  it('does not ask a cluster because the environment has serve do so', async () => {
    vi.stubEnv('FLUX_CDEVENTS_KUBERNETES', 'true').stubEnv('FLUX_CDEVENTS_KUBECONFIG', '/nowhere');
    await write('all.yaml', good);
    expect((await check(directory)).code).toBe(0);
  });

  it('fails where there is no cluster', async () => {
    const { code, stderr } = await check('--kubeconfig', join(directory, 'nowhere'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^flux-cdevents: FCE_CONFIG_INVALID: .*nowhere: ENOENT/);
  });

  it('takes namespace/name for --as', async () => {
    const { code, stderr } = await check('--kubernetes', '--as', 'somebody');
    expect(code).toBe(2);
    expect(stderr).toContain('Expected namespace/name.');
  });

  it('fails where there is nothing', async () => {
    const { code, stderr } = await check(join(directory, 'nowhere'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^flux-cdevents: FCE_CONFIG_INVALID: .*nowhere: expected a folder or a file, found ENOENT/);
    await expect(checkPath(join(directory, 'nowhere'))).rejects.toMatchObject({ code: 'FCE_CONFIG_INVALID' });
  });
});
