import { specVersions } from 'cdevents-sdk';
import type { Option } from 'commander';
import { presetNames } from '../map/presets/presets.ts';
import { flag } from './command.ts';

/** `--preset`: which built-in mapping. */
export const presetFlag = (): Option =>
  flag('--preset <name>', 'built-in mapping', (option) => option.choices(presetNames).default('rfc'));

/** `--spec-version`: which CDEvents. */
export const specVersionFlag = (): Option =>
  flag('--spec-version <version>', 'CDEvents version', (option) => option.choices(specVersions).default('0.4'));
