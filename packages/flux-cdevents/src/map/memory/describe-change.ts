import type { ObjectMemory, ProviderMemory } from './memory.ts';

/** What an event changed in the memory of its object, as text for people. */
export function describeChange(
  { notified: before = {} }: ObjectMemory,
  { notified: after = {} }: ObjectMemory,
): string[] {
  return Object.entries(after).flatMap(([key, is]) => {
    const was = before[key] ?? {};
    return [...incidentChange(was, is), ...announcementChange(was, is)];
  });
}

function incidentChange({ incidents: before }: ProviderMemory, { incidents: after }: ProviderMemory): string[] {
  const [was, is] = [before?.open, after?.open];
  const causes = is?.causes.filter((cause) => cause !== '*').join(', ');
  const because = causes ? ` (${causes})` : '';
  if (!was && is) return [`incident ${is.subjectId} is open${because}`];
  if (was && !is) return [`incident ${was.subjectId} is over`];
  if (was && is && was.causes.join() !== is.causes.join()) return [`incident ${is.subjectId} is open${because}`];
  return [];
}

function announcementChange({ announced: was }: ProviderMemory, { announced: is }: ProviderMemory): string[] {
  if (is && is.revision !== was?.revision) return [`revision ${is.revision} was announced`];
  if (was && !is) return [`revision ${was.revision} will be announced again, because something changed or failed`];
  return [];
}
