import type { Discovery } from '../../kube-api/discovery.ts';
import { type ApiRequest, describeAnswer, describeNoAnswer, type KubeClient } from '../../kube-api/kube-client.ts';

export type Asked = Pick<KubeClient, 'request'>;

/** An answer of the API server: the object, its absence, or why the request was refused. */
export type ApiAnswer =
  | { readonly status: 'found'; readonly body: object }
  | { readonly status: 'absent' }
  | { readonly status: 'refused'; readonly why: string };

/** The timeout of one request. */
const ANSWER_WITHIN_MS = 10_000;
const PAGE = 500;

/** Never throws: a missing answer is a refusal, too. */
export async function ask(api: Asked, request: string | ApiRequest): Promise<ApiAnswer> {
  try {
    const response = await api.request({
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      ...(typeof request === 'string' ? { path: request } : request),
    });
    const { status, body } = response;
    if (status === 404) return { status: 'absent' };
    if (status >= 200 && status < 300 && typeof body === 'object' && body !== null) return { status: 'found', body };
    return { status: 'refused', why: describeAnswer(response) };
  } catch (thrown) {
    return { status: 'refused', why: describeNoAnswer(thrown) };
  }
}

/** All objects of a list, page by page. */
export async function askAll(
  api: Asked,
  path: string,
): Promise<readonly object[] | Exclude<ApiAnswer, { status: 'found' }>> {
  const items: object[] = [];
  for (let token = ''; ; ) {
    const query = new URLSearchParams({ limit: String(PAGE), ...(token && { continue: token }) });
    const answer = await ask(api, `${path}?${query}`);
    if (answer.status !== 'found') return answer;
    const { metadata, items: page } = answer.body as {
      readonly metadata?: { readonly continue?: string };
      readonly items?: readonly object[];
    };
    items.push(...(page ?? []));
    token = metadata?.continue ?? '';
    if (token === '') return items;
  }
}

function once<T>(ask: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const answers = new Map<string, Promise<T>>();
  return (key) => {
    const answer = answers.get(key) ?? ask(key);
    answers.set(key, answer);
    return answer;
  };
}

/** A discovery that asks each question once: a check looks at one moment. */
export const rememberAnswers = ({ versions, resources }: Discovery): Discovery => ({
  versions: once(versions),
  resources: once(resources),
});

/** Maps items concurrently, with a limit; the results are in the order of the items. */
export async function mapLimited<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return results;
}
