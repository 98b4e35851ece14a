const msPerUnit: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const amount = String.raw`(?:\d+\.?\d*|\.\d+)`;
const wholeDuration = new RegExp(`^[+-]?(?:${amount}(?:ns|us|µs|μs|ms|s|m|h))+$`);
const part = new RegExp(`(${amount})(ns|us|µs|μs|ms|s|m|h)`, 'g');

/**
 * Reads a duration as Go writes it: `1h30m`, `1.5s`, `250ms`.
 * @returns milliseconds; undefined when it is not one
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseGoDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!wholeDuration.test(text)) return undefined;
  let ms = 0;
  for (const [, number = '', unit = ''] of text.matchAll(part)) ms += Number(number) * (msPerUnit[unit] ?? 0);
  return text.startsWith('-') ? -ms : ms;
}
