/** The kinds that the Alert CRD of Flux 2.10 allows in `eventSources`. */
export const EVENT_SOURCE_KINDS: readonly string[] = [
  'Bucket',
  'GitRepository',
  'Kustomization',
  'HelmRelease',
  'HelmChart',
  'HelmRepository',
  'ImageRepository',
  'ImagePolicy',
  'ImageUpdateAutomation',
  'OCIRepository',
  'ArtifactGenerator',
  'ExternalArtifact',
];

/** The types that the Provider CRD of Flux 2.10 allows, and `cdevents`. */
export const PROVIDER_TYPES: readonly string[] =
  `cdevents slack discord msteams rocket generic generic-hmac github gitlab gitea giteapullrequestcomment
  bitbucketserver bitbucket azuredevops googlechat googlepubsub webex sentry azureeventhub telegram lark matrix opsgenie
  alertmanager grafana githubdispatch githubpullrequestcomment gitlabmergerequestcomment pagerduty datadog nats zulip
  otel zoom incident.io mastodon`.split(/\s+/);
