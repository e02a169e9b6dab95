/**
 * Remembers the app's routes, so that a known path with another method is answered 405 and not 404.
 * Patterns are the router's: `:name` is one segment, a final `*` the rest.
 */
export class RouteMethods {
  private readonly routes: { pattern: RegExp; methods: readonly string[] }[] = [];

  add(url: string, method: string | readonly string[]): void {
    const methods = typeof method === 'string' ? [method] : method;
    if (url === '*' || url === '/*') return; // a catch-all says nothing about a path
    const source = url
      .split('/')
      .map((segment) => (segment === '*' ? '.*' : segment.startsWith(':') ? '[^/]+' : escape(segment)))
      .join('/');
    this.routes.push({ pattern: new RegExp(`^${source}/?$`), methods });
  }

  /** @param path without the query. @returns what is offered there, sorted; empty for an unknown path */
  allowed(path: string): string[] {
    const methods = this.routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => route.methods);
    return [...new Set(methods)].sort();
  }
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
