/** A button that opens the browser's chooser of files. */
export function ChooseFiles({
  name,
  primary = false,
  onFiles,
}: {
  readonly name: string;
  readonly primary?: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}) {
  return (
    <label class={primary ? 'button primary' : 'button'}>
      {name}
      <input
        type="file"
        multiple
        class="visually-hidden"
        onChange={({ currentTarget: input }) => {
          const files = [...(input.files ?? [])];
          input.value = '';
          onFiles(files);
        }}
      />
    </label>
  );
}
