import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCheckCommand } from '../src/commands/check.ts';
import { runCommand } from './helpers/command-io.ts';
import { RECIPES, readRecipe } from './helpers/recipe.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'recipes-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe.each(RECIPES)('the recipe %s', (name) => {
  const recipe = readRecipe(name);

  it("has Flux's objects, which check finds nothing wrong with", async () => {
    const [fluxSide = ''] = recipe.yaml;
    const file = join(directory, `${name}.yaml`);
    await writeFile(file, fluxSide);
    const { code, stdout, stderr } = await runCommand(createCheckCommand, [file]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/1 Provider\b.*1 Alert\b/);
  });

  it('names every object in full', () => {
    expect(recipe.objects.length).toBeGreaterThan(1);
    for (const { apiVersion, kind, metadata } of recipe.objects) {
      expect({ apiVersion, kind, name: metadata.name }).toEqual({
        apiVersion: expect.any(String),
        kind: expect.any(String),
        name: expect.stringMatching(/^[a-z0-9-]+$/),
      });
    }
  });

  it('links to pages that are there', () => {
    const links = [...recipe.text.matchAll(/\]\(([^)#]+)\)/g)].map(([, link = '']) => link);
    const local = links.filter((link) => !link.startsWith('https://'));
    expect(local).toContain('../install.md');
    expect(local.filter((link) => !existsSync(resolve(dirname(recipe.file), link)))).toEqual([]);
  });
});
