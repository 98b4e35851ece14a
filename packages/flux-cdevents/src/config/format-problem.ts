import { formatIssue } from '../diagnostics/issue.ts';
import type { ConfigProblem } from './config-source.ts';

/** `providers.yaml:12: Provider flux-system/hub: spec.address: expected an http or https URL, found ftp`. */
export const formatProblem = ({ where, object, issue }: ConfigProblem): string =>
  [where, object, formatIssue(issue)].filter((part) => part !== undefined).join(': ');
