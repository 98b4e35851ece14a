import { parseArgs } from 'node:util';
import { type CelInput, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { Environment } from '@marcbachmann/cel-js';
import { withRemaining } from '../packages/flux-cdevents/src/cel/cost.ts';
import { createEnvironment } from '../packages/flux-cdevents/src/cel/environment.ts';
import { MAX_COST } from '../packages/flux-cdevents/src/cel/expression.ts';
import { finishTree } from '../packages/flux-cdevents/src/cel/finish-tree.ts';
import { createObjectTypes } from '../packages/flux-cdevents/src/cel/object-types.ts';
import { prepareTree } from '../packages/flux-cdevents/src/cel/prepare-tree.ts';
import type { Node } from '../packages/flux-cdevents/src/cel/tree.ts';
import { expressions, TYPES, VARIABLES } from '../packages/flux-cdevents/src/mapping/variables-schema.ts';
import { someVariables } from '../packages/flux-cdevents/test/helpers/cel-variables.ts';
import { median } from './load.ts';

/*
 * Measures one evaluation of a realistic expression in four variants: as mappings use it (cel-js with types, RE2 and
 * limits), the same without limits, unchanged cel-js, and @bufbuild/cel. The variants take turns; the table shows medians.
 * usage: npm run bench:cel -- [--rounds 15] [--times 20000]
 */

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, times: { type: 'string', default: '20000' } },
});
const rounds = Number(values.rounds);
const times = Number(values.times);

const RULES: Readonly<Record<string, string>> = {
  'kind and reason': "event.involvedObject.kind == 'HelmRelease' && event.reason == 'UpgradeSucceeded'",
  'in a list':
    "event.involvedObject.kind in ['HelmRelease', 'Kustomization'] && event.reason in ['InstallFailed', 'UpgradeFailed', 'UpgradeSucceeded']",
  metadata: "event.metadata.revision.startsWith('6.') && 'app-version' in event.metadata",
  'string concat': "event.involvedObject.namespace + '/' + event.involvedObject.name + '/drift'",
  matches: "event.message.matches('^Helm (install|upgrade) succeeded for release apps/')",
  macro: "event.metadata.exists(key, key.endsWith('version'))",
};

const variables = someVariables({
  metadata: { revision: '6.5.1', 'app-version': '6.5.1', 'oci-digest': 'sha256:0f9a', environment: 'production' },
});

type Run = () => unknown;
const variants: Readonly<Record<string, (text: string) => Run>> = {
  mapping: (text) => {
    const expression = expressions.compileExpression(text);
    return () => expression.evaluate(variables, { left: MAX_COST });
  },
  unlimited: (text) => {
    const objectTypes = createObjectTypes(TYPES);
    const { fieldsOf } = objectTypes;
    const environment = createEnvironment(objectTypes);
    for (const [name, type] of Object.entries(VARIABLES)) environment.registerVariable(name, type);
    const parsed = environment.parse(text);
    const root = parsed.ast as unknown as Node;
    prepareTree(root);
    parsed.check();
    const typed = Object.entries(VARIABLES).filter(([, type]) => fieldsOf(type));
    const readers = new Map(typed.map(([name, type]) => [name, { type, read: objectTypes.readerOf(type) }]));
    finishTree(root, { readers, fieldsOf });
    return () => withRemaining({ left: Number.POSITIVE_INFINITY }, () => parsed(variables));
  },
  'cel-js': (text) => {
    const environment = new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: true });
    for (const name of Object.keys(VARIABLES)) {
      environment.registerVariable(
        name,
        typeof variables[name as keyof typeof variables] === 'string' ? 'string' : 'map',
      );
    }
    const parsed = environment.parse(text);
    parsed.check();
    return () => parsed(variables);
  },
  bufbuild: (text) => {
    const run = plan(celEnv({ funcs: strings }), parse(text)) as (
      bindings: Readonly<Record<string, CelInput>>,
    ) => unknown;
    // It needs objects as maps. That conversion happens once per event and is not part of the measurement.
    const bindings = toMaps(variables) as ReadonlyMap<string, CelInput>;
    const given = Object.fromEntries(bindings);
    return () => run(given);
  },
};

const toMaps = (value: unknown): unknown =>
  typeof value === 'object' && value !== null
    ? new Map(Object.entries(value).map(([key, of]) => [key, toMaps(of)]))
    : value;

const table: Record<string, Record<string, string>> = {};
for (const [name, text] of Object.entries(RULES)) {
  const runs = Object.entries(variants).map(([variant, prepare]) => ({
    variant,
    run: prepare(text),
    samples: [] as number[],
  }));
  for (const { variant, run } of runs) {
    const value = run();
    if (isCelError(value)) throw new Error(`${variant}: ${name}: ${value.message}`);
    for (let i = 0; i < times; i++) run();
  }
  for (let round = 0; round < rounds; round++) {
    for (const { run, samples } of runs) {
      const start = performance.now();
      for (let i = 0; i < times; i++) run();
      samples.push(((performance.now() - start) * 1000) / times);
    }
  }
  const mapping = median(runs[0]?.samples ?? []);
  table[name] = Object.fromEntries(
    runs.map(({ variant, samples }) => {
      const us = median(samples);
      return [
        variant,
        variant === 'mapping' ? `${us.toFixed(2)} µs` : `${us.toFixed(2)} µs (${(us / mapping).toFixed(1)}×)`,
      ];
    }),
  );
}
console.table(table);
