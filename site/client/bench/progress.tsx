// How far a measurement is.

/** What is measured now, and how many of the pieces are done. */
export interface Doing {
  readonly name: string;
  readonly done: number;
  readonly total: number;
}

export function Progress({ doing }: { readonly doing: Doing | null }) {
  if (doing === null) return null;
  const { name, done, total } = doing;
  return (
    <div>
      <progress value={done} max={total} aria-label="Cases measured" />
      <p class="small muted">
        {done} of {total} measured; now {name}
      </p>
    </div>
  );
}
