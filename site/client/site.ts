// On every page: live figures, buttons that copy code, tables that the keyboard scrolls, and what makes the site work without a network.
import './figures.ts';

if (navigator.clipboard !== undefined) {
  for (const caption of document.querySelectorAll('figure.source > figcaption')) {
    const copy = document.createElement('button');
    copy.className = 'quiet';
    copy.textContent = 'Copy';
    copy.addEventListener('click', () => {
      void navigator.clipboard.writeText(caption.parentElement!.querySelector('pre')!.textContent!).then(
        () => (copy.textContent = 'Copied'),
        () => (copy.textContent = 'Not allowed'),
      );
    });
    caption.append(copy);
  }
}

// A table that is wider than the page scrolls: by the keyboard only where it can have the focus.
const reach = (): void => {
  for (const table of document.querySelectorAll('table')) {
    if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
    else table.removeAttribute('tabindex');
  }
};
reach();
addEventListener('resize', reach);

// While one works on the site, files change without a new version.
if (IS_RELEASE && 'serviceWorker' in navigator) {
  addEventListener('load', () => {
    const worker = new URL('../sw.js', import.meta.url);
    navigator.serviceWorker
      .register(worker)
      .catch((error: unknown) => console.info('The site is not kept for offline use:', error));
  });
}
