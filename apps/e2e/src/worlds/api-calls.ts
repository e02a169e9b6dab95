import { request } from 'undici';

export interface NewTenant {
  tenantId: string;
  apiKey: string;
}

/** The api as one credential sees it. A refusal is an Error that quotes the answer. */
export class ApiCalls {
  constructor(
    readonly apiUrl: string,
    private readonly credential: string,
  ) {}

  get<T>(path: string): Promise<T> {
    return this.call<T>('GET', path);
  }

  post<T>(path: string, body: object = {}): Promise<T> {
    return this.call<T>('POST', path, body);
  }

  private async call<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
    const answer = await request(`${this.apiUrl}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.credential}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
      headersTimeout: 15_000,
      bodyTimeout: 15_000,
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path} was answered ${answer.statusCode}: ${text}`);
    return JSON.parse(text) as T;
  }
}

/** A tenant of the test's own. */
export async function provisionTenant(admin: ApiCalls, name: string): Promise<NewTenant> {
  const { id } = await admin.post<{ id: string }>('admin/tenants', { name });
  const { key } = await admin.post<{ key: string }>(`admin/tenants/${id}/api-keys`, { name });
  return { tenantId: id, apiKey: key };
}
