// The service worker of the site: keeps the pages that the reader has opened, with the programs that they may load later, so
// that they work without a network. Files of another version of the site are not mixed with these.

/** Version of the site, and the files that each program may load. Filled in by build.mjs. */
declare const SITE: { readonly version: string; readonly programs: Readonly<Record<string, readonly string[]>> };
declare const self: ServiceWorkerGlobalScope;
export {};

const NAME = `retinagrad-site-${SITE.version}`;
const root = new URL('./', self.location.href);

/** Keeps what the programs of a page may load. */
async function keepPrograms(html: string, cache: Cache): Promise<void> {
  const files = [...html.matchAll(/src="[./]*(assets\/[\w-]+\.js)"/g)].flatMap(
    ([, file]) => SITE.programs[file!] ?? [],
  );
  for (const file of new Set(files)) {
    const url = new URL(file, root).href;
    if ((await cache.match(url)) === undefined) await cache.add(url);
  }
}

/** A file from the network, which is kept, or the kept one. Files of the site change only with its version. */
async function answer(event: FetchEvent): Promise<Response> {
  const cache = await caches.open(NAME);
  const { request } = event;
  const isPage = request.mode === 'navigate';
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept !== undefined && !isPage) return kept;
  try {
    const response = await fetch(request);
    if (response.status === 200) {
      const [copy, page] = [response.clone(), response.clone()];
      event.waitUntil(
        cache.put(request.url.split(/[?#]/)[0]!, copy).then(async () => {
          if (isPage) await keepPrograms(await page.text(), cache);
        }),
      );
    }
    return response;
  } catch (error) {
    if (kept !== undefined) return kept;
    throw error;
  }
}

self.addEventListener('install', () => void self.skipWaiting());
self.addEventListener('activate', (event) => {
  const clean = async (): Promise<void> => {
    for (const name of await caches.keys()) {
      if (name.startsWith('retinagrad-site-') && name !== NAME) await caches.delete(name);
    }
    await self.clients.claim();
    // Pages that were opened before there was a worker.
    const cache = await caches.open(NAME);
    for (const { url } of await self.clients.matchAll({ type: 'window' })) {
      const response = await fetch(url);
      if (response.status !== 200) continue;
      await cache.put(url.split(/[?#]/)[0]!, response.clone());
      const html = await response.text();
      for (const [, file] of html.matchAll(/(?:src|href)="([./]*[^":?#]+\.(?:js|css|svg|png|webp))"/g)) {
        await cache.add(new URL(file!, url));
      }
      await keepPrograms(html, cache);
    }
  };
  event.waitUntil(clean());
});
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method === 'GET' && request.url.startsWith(root.href) && !request.headers.has('range')) {
    event.respondWith(answer(event));
  }
});
