const minutes = Number(process.env.FAULTS_MINUTES ?? 0);

/** How often a random fault happens: this often in a short run, and for an hour together in a long one. */
export const times = (short: number): number => Math.max(short, short * minutes * 2);
