import { useEffect, useId, useRef } from "react";

/** A modal dialog. The browser keeps the focus inside, and closes it on Escape. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: React.ReactNode;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = element.current!;
    const before = document.activeElement;
    if (!dialog.open) dialog.showModal();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      className="wfc-dialog"
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      <div className="wfc-dialog-body">
        <h2 id={titleId} className="wfc-dialog-title">
          {title}
        </h2>
        {children}
      </div>
    </dialog>
  );
}

export function ConfirmDialog({
  title,
  confirm,
  danger = false,
  isBusy,
  onConfirm,
  onClose,
  children,
}: {
  title: string;
  /** The label of the confirm button. */
  confirm: string;
  danger?: boolean;
  isBusy: boolean;
  onConfirm: () => void;
  onClose: () => void;
  children?: React.ReactNode;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="wfc-dialog-text">{children}</div>
      <div className="wfc-dialog-actions">
        <button type="button" className="wfc-button" onClick={onClose}>
          Back
        </button>
        <button
          type="button"
          autoFocus
          className={`wfc-button ${danger ? "wfc-button-danger" : "wfc-button-primary"}`}
          disabled={isBusy}
          onClick={onConfirm}
        >
          {confirm}
        </button>
      </div>
    </Dialog>
  );
}
