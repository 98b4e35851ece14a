/** Resolves at the first SIGINT or SIGTERM. The next one has its default effect and ends the process. */
export const untilSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    const listener = (signal: NodeJS.Signals) => {
      process.off('SIGINT', listener);
      process.off('SIGTERM', listener);
      resolve(signal);
    };
    process.on('SIGINT', listener);
    process.on('SIGTERM', listener);
  });
