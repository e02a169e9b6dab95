import got, { type Got } from 'got';

/** The api as a tenant or an operator calls it: JSON in, JSON out; a refusal is an Error that quotes the problem. */
export class ApiClient {
  private readonly http: Got;

  constructor(apiUrl: string, credential: string) {
    this.http = got.extend({
      prefixUrl: `${apiUrl}/api/v1`,
      headers: { authorization: `Bearer ${credential}` },
      retry: { limit: 0 },
      timeout: { request: 15_000 },
      throwHttpErrors: false,
    });
  }

  get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path);
  }

  post<T>(path: string, json: object = {}): Promise<T> {
    return this.call<T>('POST', path, json);
  }

  private async call<T>(method: 'GET' | 'POST', path: string, json?: object): Promise<T> {
    const { statusCode, body } = await this.http(path, { method, json });
    if (statusCode >= 200 && statusCode < 300) return JSON.parse(body || 'null') as T;
    throw new Error(`${method} ${path} was answered ${statusCode}: ${body.slice(0, 500)}`);
  }
}
