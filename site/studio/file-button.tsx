// A button that opens the browser's chooser of files, and takes files that are dropped on it.
import { useRef } from 'preact/hooks';

interface Props {
  readonly label: string;
  readonly accept?: string;
  readonly multiple?: boolean;
  readonly isFolder?: boolean;
  readonly disabled?: boolean;
  readonly onFiles: (files: readonly File[]) => void;
}

export function FileButton({ label, accept, multiple = false, isFolder = false, disabled = false, onFiles }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const take = (): void => {
    const files = [...(input.current!.files ?? [])];
    input.current!.value = '';
    if (files.length > 0) onFiles(files);
  };
  return (
    <>
      <button disabled={disabled} onClick={() => input.current!.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={label}
        multiple={multiple}
        {...(accept === undefined ? {} : { accept })}
        {...(isFolder ? { webkitdirectory: true } : {})}
        onChange={take}
      />
    </>
  );
}
