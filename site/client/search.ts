// The page of the search, by Pagefind's index of the site: the book, the reference and the guides. The words are in the address,
// so that a result can be shared and the way back leads to it.
interface Found {
  readonly results: readonly { data(): Promise<Page> }[];
}
interface Page {
  readonly url: string;
  readonly excerpt: string;
  readonly meta: { readonly title: string };
}
interface Pagefind {
  debouncedSearch(words: string): Promise<Found | null>;
}

/** How many pages are shown. */
const MOST = 20;

const place = document.querySelector<HTMLElement>('#search')!;
place.innerHTML =
  '<label for="words" class="visually-hidden">Words to find</label>' +
  '<input id="words" type="search" autocomplete="off" placeholder="conv2d, focal loss, GeoTIFF …">' +
  '<p class="small muted" role="status"></p><ol class="results"></ol>';
const input = place.querySelector('input')!;
const status = place.querySelector('p')!;
const list = place.querySelector('ol')!;
const root = new URL('../', import.meta.url);
let pagefind: Promise<Pagefind> | null = null;

/** An entry of the list. The excerpt is HTML of the index, in which only the words found are marked. */
function itemOf({ url, excerpt, meta }: Page): HTMLLIElement {
  const item = document.createElement('li');
  const link = document.createElement('a');
  link.href = url;
  link.textContent = meta.title;
  const text = document.createElement('p');
  text.className = 'small';
  text.innerHTML = excerpt;
  item.append(link, text);
  return item;
}

async function search(): Promise<void> {
  const words = input.value.trim();
  history.replaceState(null, '', words === '' ? location.pathname : `?q=${encodeURIComponent(words)}`);
  if (words === '') {
    status.textContent = '';
    return list.replaceChildren();
  }
  pagefind ??= import(new URL('pagefind/pagefind.js', root).href) as Promise<Pagefind>;
  const found = await (await pagefind).debouncedSearch(words);
  if (found === null) return; // The reader typed on.
  const pages = await Promise.all(found.results.slice(0, MOST).map((result) => result.data()));
  const count = found.results.length;
  status.textContent =
    count > MOST ? `${count} pages, the best ${MOST} of them` : `${count} ${count === 1 ? 'page' : 'pages'}`;
  list.replaceChildren(...pages.map(itemOf));
}

const onInput = (): void =>
  void search().catch((error: unknown) => {
    status.textContent = `The search does not work here: ${error instanceof Error ? error.message : String(error)}`;
  });
input.addEventListener('input', onInput);
input.value = new URLSearchParams(location.search).get('q') ?? '';
input.focus();
if (input.value !== '') onInput();
