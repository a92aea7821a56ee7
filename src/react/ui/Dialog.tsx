import { useEffect, useId, useRef } from "react";
import { Button } from "./buttons.js";

/** A modal dialog that asks. The browser keeps the focus inside, and closes it on Escape. */
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
        <div className="wfc-dialog-text">{children}</div>
        <div className="wfc-dialog-actions">
          <Button onClick={onClose}>Back</Button>
          <Button
            autoFocus
            kind={danger ? "danger" : "primary"}
            disabled={isBusy}
            onClick={onConfirm}
          >
            {confirm}
          </Button>
        </div>
      </div>
    </dialog>
  );
}
