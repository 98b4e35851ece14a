import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const RECIPES = ['tekton-triggers', 'knative', 'argo-events', 'jenkins'] as const;

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** A page of docs/recipes, taken apart. */
export interface Recipe {
  readonly file: string;
  readonly text: string;
  /** The YAML blocks as they stand there: what to apply for Flux, and for the receiver. */
  readonly yaml: readonly string[];
  readonly groovy: readonly string[];
  readonly objects: readonly KubernetesObject[];
}

/** @throws {Error} when a block is no YAML */
export function readRecipe(name: (typeof RECIPES)[number]): Recipe {
  const file = fileURLToPath(new URL(`../../../../docs/recipes/${name}.md`, import.meta.url));
  const text = readFileSync(file, 'utf8');
  const yaml = blocksOf(text, 'yaml');
  const objects = yaml.flatMap((block) =>
    parseAllDocuments(block).map((document) => {
      const [problem] = [...document.errors, ...document.warnings];
      if (problem) throw problem;
      return document.toJS() as KubernetesObject;
    }),
  );
  return { file, text, yaml, groovy: blocksOf(text, 'groovy'), objects };
}

const blocksOf = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, block = '']) => block);
