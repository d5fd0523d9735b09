/** Calls `start` with each element that a selector finds, once, when it is nearly scrolled into view. */
export function whenSeen(selector: string, start: (element: HTMLElement) => Promise<void>): void {
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        void start(target as HTMLElement);
      }
    },
    { rootMargin: '200px' },
  );
  for (const element of document.querySelectorAll(selector)) seen.observe(element);
}
