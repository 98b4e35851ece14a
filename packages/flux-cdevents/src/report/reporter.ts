import type { NamespacedName } from '../flux/object-ref.ts';

/** The reasons that the notification-controller uses, too, so that existing searches and alerts find ours. */
export type ReportReason =
  /** An event that was selected cannot be delivered, now or ever. */
  | 'NotificationDispatchFailed'
  /** The object has a field that is not valid. */
  | 'InvalidConfig'
  /** Labels of an involved object cannot be read, so that `matchLabels` selects nothing. */
  | 'SourceFetchFailed'
  /** A key of the metadata has more than one source. */
  | 'MetadataAppendFailed';

/** An Alert or a Provider. */
export interface ReportedObject extends NamespacedName {
  readonly kind: 'Alert' | 'Provider';
}

/** A failure that the owner of the object should know of. */
export interface Report {
  readonly about: ReportedObject;
  readonly reason: ReportReason;
  /** Contains no secret. A long message is cut. */
  readonly message: string;
}

/** The port: makes failures visible beside the log. Never throws and never blocks. */
export interface Reporter {
  report(report: Report): void;
  /** Drops the reports that are not written yet. */
  close(): void;
}

/** For files mode, where the log is the only place. */
export const silentReporter: Reporter = { report() {}, close() {} };
