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

/** A failure that the owner of the object should know about. */
export interface Report {
  readonly about: ReportedObject;
  readonly reason: ReportReason;
  /** Contains no secret. A long message is cut. */
  readonly message: string;
}

/** The port that makes failures visible outside the log. It never throws and never blocks. */
export interface Reporter {
  report(report: Report): void;
  /** Drops the reports that have not been written. */
  close(): void;
}

/** For files mode, where failures are only logged. */
export const silentReporter: Reporter = { report() {}, close() {} };
