import { RouteMethods } from './route-methods.js';

describe('RouteMethods', () => {
  const routes = new RouteMethods();
  routes.add('/v1/orders/:id', 'GET');
  routes.add('/v1/orders/:id', ['DELETE', 'GET']);
  routes.add('/v1/files/*', 'GET');
  routes.add('*', ['GET', 'POST']);

  it('knows what a path offers, by any of its routes', () => {
    expect(routes.allowed('/v1/orders/o1')).toEqual(['DELETE', 'GET']);
    expect(routes.allowed('/v1/files/a/b.txt')).toEqual(['GET']);
  });

  it('takes a parameter for one segment and a catch-all for nothing', () => {
    expect(routes.allowed('/v1/orders/o1/fills')).toEqual([]);
    expect(routes.allowed('/v1/orders/')).toEqual([]);
  });
});
