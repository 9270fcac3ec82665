import type { FastifyInstance } from 'fastify';
import type { ObjectStore } from './store.ts';

/** What stands in the buckets, for whoever looks at the sandbox. */
export function listStoredObjects(app: FastifyInstance, store: ObjectStore): void {
  app.get('/console/objects.json', () =>
    store.buckets().map(({ name }) => ({
      bucket: name,
      objects: store.keys(name).map(({ key, size, last_modified, headers }) => ({
        key,
        size,
        last_modified,
        media_type: headers['content-type'],
      })),
    })),
  );
}
