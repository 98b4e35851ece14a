import type { TokenReview } from '../contracts.ts';
import { describeAnswer, describeNoAnswer, type KubeClient } from './kube-client.ts';

/**
 * Asks the API server whose token it is. Needs the permission to create `tokenreviews`, which is in the ClusterRole
 * `system:auth-delegator`.
 * @throws when there is no answer, or one without a verdict
 * @see https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
 */
export async function reviewToken(
  client: Pick<KubeClient, 'request'>,
  { token, audience, signal }: { readonly token: string; readonly audience: string; readonly signal: AbortSignal },
): Promise<TokenReview> {
  const answer = await client
    .request({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences: [audience] },
      },
      signal,
    })
    .catch((thrown: unknown) => {
      throw new Error(describeNoAnswer(thrown), { cause: thrown });
    });
  const { status } = (answer.body ?? {}) as { readonly status?: Status };
  if (answer.status !== 201 && answer.status !== 200) throw new Error(describeAnswer(answer));
  if (!status) throw new Error('the API server answered without a status');
  const { authenticated = false, user, audiences = [] } = status;
  return { authenticated, audiences, ...(user?.username && { username: user.username }) };
}

interface Status {
  readonly authenticated?: boolean;
  readonly user?: { readonly username?: string };
  readonly audiences?: readonly string[];
}
