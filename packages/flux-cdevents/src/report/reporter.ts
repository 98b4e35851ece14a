import type { NamespacedName } from '../flux/object-ref.ts';

/** The reasons under which a notification-controller reports, too: whoever looks for them finds ours. */
export type ReportReason =
  /** An event that was selected cannot be delivered, now or ever. */
  | 'NotificationDispatchFailed'
  /** The object says something that cannot be used. */
  | 'InvalidConfig'
  /** Labels of an involved object cannot be read, so that `matchLabels` selects nothing. */
  | 'SourceFetchFailed'
  /** A key of the metadata has more than one source. */
  | 'MetadataAppendFailed';

/** An Alert or a Provider. */
export interface ReportedObject extends NamespacedName {
  readonly kind: 'Alert' | 'Provider';
}

/** Something that whoever owns the object should know. */
export interface Report {
  readonly about: ReportedObject;
  readonly reason: ReportReason;
  /** No secret in it. Cut where it is too long. */
  readonly message: string;
}

/** The port: where failures are made visible beside the log. Never fails, never waits. */
export interface Reporter {
  report(report: Report): void;
  /** Drops what is not written yet. */
  close(): void;
}

/** For files mode: there the log says it all. */
export const silentReporter: Reporter = { report() {}, close() {} };
