import { fastify } from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { createLifecycle } from './lifecycle.ts';

const GRACE_MS = 5_000;
const stoppedEarly = { code: 'FCE_STOPPED' };

/** Something to open, and what became of it. */
function aResource() {
  const { promise, resolve } = Promise.withResolvers<string>();
  return { opening: promise, open: () => resolve('resource'), release: vi.fn() };
}

describe('a lifecycle', () => {
  it('releases on stop what the start opened, the last first', async () => {
    const lifecycle = createLifecycle();
    const released: string[] = [];
    await lifecycle.start(async () => {
      await lifecycle.open(Promise.resolve('store'), (opened) => released.push(opened));
      lifecycle.onStop(() => released.push('timers'));
      await lifecycle.open('servers', (opened) => released.push(opened));
    });
    expect(released).toEqual([]);
    await lifecycle.stop(GRACE_MS);
    expect(released).toEqual(['servers', 'timers', 'store']);
  });

  it('releases what a start opened that fails, and passes its error on', async () => {
    const lifecycle = createLifecycle();
    const release = vi.fn();
    const start = lifecycle.start(async () => {
      await lifecycle.open('store', release);
      throw new Error('no such folder');
    });
    await expect(start).rejects.toThrow('no such folder');
    expect(release).toHaveBeenCalledExactlyOnceWith('store');
  });

  it('stops a start that waits: what opens afterwards is released at once', async () => {
    const lifecycle = createLifecycle();
    const { opening, open, release } = aResource();
    const next = vi.fn();
    const start = lifecycle.start(async () => {
      await lifecycle.open(opening, release);
      next();
    });
    const stop = lifecycle.stop(GRACE_MS);
    open();
    await stop;
    await expect(start).rejects.toMatchObject(stoppedEarly);
    expect(release).toHaveBeenCalledExactlyOnceWith('resource');
    expect(next).not.toHaveBeenCalled();
  });

  it('distinguishes a start that fails because of the stop from one that fails by itself', async () => {
    const lifecycle = createLifecycle();
    const start = lifecycle.start(async () => {
      const { promise, reject } = Promise.withResolvers<void>();
      lifecycle.onStop(() => reject(new Error('the source was closed')));
      await promise;
    });
    await lifecycle.stop(GRACE_MS);
    await expect(start).rejects.toMatchObject(stoppedEarly);
  });

  it('does not wait for a start that hangs for longer than the grace period', async () => {
    const lifecycle = createLifecycle();
    const { opening, open, release } = aResource();
    const start = lifecycle.start(() => lifecycle.open(opening, release));
    await lifecycle.stop(0);
    expect(release).not.toHaveBeenCalled();
    open();
    await expect(start).rejects.toMatchObject(stoppedEarly);
    expect(release).toHaveBeenCalledOnce();
  });

  it('does not start after a stop', async () => {
    const lifecycle = createLifecycle();
    await lifecycle.stop(GRACE_MS);
    const work = vi.fn();
    await expect(lifecycle.start(work)).rejects.toMatchObject(stoppedEarly);
    expect(work).not.toHaveBeenCalled();
  });

  it('stops once, however often stop is called', async () => {
    const lifecycle = createLifecycle();
    const release = vi.fn();
    lifecycle.onStop(release);
    await Promise.all([lifecycle.stop(GRACE_MS), lifecycle.stop(GRACE_MS)]);
    expect(release).toHaveBeenCalledOnce();
  });

  it('repeats work at the pace that the work asks for, until the stop', async () => {
    vi.useFakeTimers();
    try {
      const lifecycle = createLifecycle();
      const work = vi.fn(async () => 10);
      lifecycle.repeat(1_000, work);
      await vi.advanceTimersByTimeAsync(1_000);
      expect(work).toHaveBeenCalledTimes(1);
      await vi.advanceTimersByTimeAsync(20);
      expect(work).toHaveBeenCalledTimes(3);
      await lifecycle.stop(GRACE_MS);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(work).toHaveBeenCalledTimes(3);
    } finally {
      vi.useRealTimers();
    }
  });

  it('listens until the stop, and names the URL with the port that it got', async () => {
    const lifecycle = createLifecycle();
    const server = fastify();
    const url = await lifecycle.listen(server, { host: '127.0.0.1', port: 0 }, 'events');
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect((await fetch(url)).status).toBe(404);
    await lifecycle.stop(GRACE_MS);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it('names the address on which it cannot listen', async () => {
    const lifecycle = createLifecycle();
    const url = await lifecycle.listen(fastify(), { host: '127.0.0.1', port: 0 }, 'events');
    const port = Number(new URL(url).port);
    await expect(lifecycle.listen(fastify(), { host: '127.0.0.1', port }, 'health')).rejects.toMatchObject({
      code: 'FCE_LISTEN_FAILED',
      message: expect.stringMatching(/^health address: .*EADDRINUSE/),
    });
    await lifecycle.stop(GRACE_MS);
  });

  it('releases the rest when a release fails, then fails with the first error', async () => {
    const lifecycle = createLifecycle();
    const release = vi.fn();
    await lifecycle.open('store', release);
    lifecycle.onStop(async () => {
      throw new Error('second');
    });
    lifecycle.onStop(() => {
      throw new Error('first');
    });
    await expect(lifecycle.stop(GRACE_MS)).rejects.toThrow('first');
    expect(release).toHaveBeenCalledExactlyOnceWith('store');
  });

  it('waits for the start when a release before it failed', async () => {
    const lifecycle = createLifecycle();
    const { opening, open, release } = aResource();
    lifecycle.onStop(() => {
      setImmediate(open);
      throw new Error('server');
    });
    const start = lifecycle.start(() => lifecycle.open(opening, release));
    const stopped = expect(start).rejects.toMatchObject(stoppedEarly);
    await expect(lifecycle.stop(GRACE_MS)).rejects.toThrow('server');
    expect(release).toHaveBeenCalledOnce();
    await stopped;
  });

  it('keeps the error of a start that fails when a release fails too, and reports that one on stop', async () => {
    const lifecycle = createLifecycle();
    const release = vi.fn();
    const start = lifecycle.start(async () => {
      await lifecycle.open('store', release);
      lifecycle.onStop(() => {
        throw new Error('still in use');
      });
      throw new Error('no such folder');
    });
    await expect(start).rejects.toThrow('no such folder');
    expect(release).toHaveBeenCalledOnce();
    await expect(lifecycle.stop(GRACE_MS)).rejects.toThrow('still in use');
  });

  it('repeats work that failed', async () => {
    vi.useFakeTimers();
    try {
      const lifecycle = createLifecycle();
      const work = vi.fn(async (): Promise<number> => {
        throw new Error('no answer');
      });
      lifecycle.repeat(100, work);
      await vi.advanceTimersByTimeAsync(200);
      expect(work).toHaveBeenCalledTimes(2);
      await lifecycle.stop(GRACE_MS);
    } finally {
      vi.useRealTimers();
    }
  });
});
