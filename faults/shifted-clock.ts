/*
 * Preloaded into the controller with `node --import`: shifts its wall clock by the milliseconds that a file holds. The
 * monotonic clock is left alone, as it is when somebody sets the clock of a machine.
 */
import { readFileSync } from 'node:fs';

const file = process.env.FAULTS_CLOCK ?? '';
const RealDate = Date;
let shiftMs = 0;

const read = (): void => {
  try {
    shiftMs = Number(readFileSync(file, 'utf8'));
  } catch {
    // The file is being written: the shift stays as it is.
  }
};
read();
setInterval(read, 20).unref();

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [RealDate.now() + shiftMs] : args, newTarget),
  get: (target, property, receiver) =>
    property === 'now' ? () => RealDate.now() + shiftMs : Reflect.get(target, property, receiver),
});
