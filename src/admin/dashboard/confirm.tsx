import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

type Props = {
  title: string;
  /** What the button that does it says. */
  yes: string;
  danger: boolean;
  able: boolean;
  why: string;
  setWhy: (why: string) => void;
  act: () => void;
  close: () => void;
  children: ComponentChildren;
};

/** Asks before something that many will feel. The focus is on the way out; Escape is one, too. */
export function Confirm({ title, yes, danger, able, why, setWhy, act, close, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const from = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (from instanceof HTMLElement && from.isConnected) from.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" aria-describedby="confirm-text" onClose={close}>
      <h2 id="confirm-title">{title}</h2>
      <p id="confirm-text">{children}</p>
      <label class="field">
        <span>
          Why <span class="quiet">(optional, kept in the history)</span>
        </span>
        <input value={why} maxLength={500} onInput={({ currentTarget }) => setWhy(currentTarget.value)} />
      </label>
      {!able && <p class="notice bad">The proxy is silent: nothing can be done now.</p>}
      <div class="verbs">
        {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- the safe way out comes first in a dialog */}
        <button type="button" autofocus onClick={close}>
          Cancel
        </button>
        <button type="button" class={danger ? 'danger' : 'main'} disabled={!able} onClick={act}>
          {yes}
        </button>
      </div>
    </dialog>
  );
}
