// On every page: live figures, buttons that copy code, and what makes the site work without a network.
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

// While one works on the site, files change without a new version.
if (IS_RELEASE && 'serviceWorker' in navigator) {
  addEventListener('load', () => {
    const worker = new URL('../sw.js', import.meta.url);
    navigator.serviceWorker
      .register(worker)
      .catch((error: unknown) => console.info('The site is not kept for offline use:', error));
  });
}
