import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MAPPING_PAGE, withTables } from '../../../scripts/mapping-tables.ts';

it('docs/mapping.md shows the rules of the presets as they are (npm run docs)', () => {
  const page = readFileSync(MAPPING_PAGE, 'utf8');
  expect(page).toBe(withTables(page));
});
