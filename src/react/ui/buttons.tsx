import type { ComponentProps, ReactNode } from "react";
import { Icon, type IconName } from "./Icon.js";

const CLASSES = {
  plain: "wfc-button",
  primary: "wfc-button wfc-button-primary",
  danger: "wfc-button wfc-button-danger",
  link: "wfc-link-button",
  tab: "wfc-tab",
} as const;

type ButtonProps = ComponentProps<"button"> & {
  kind?: keyof typeof CLASSES;
  icon?: IconName;
};

/** A button that submits no form, unless `type` says so. */
export function Button(props: ButtonProps) {
  const { kind = "plain", icon, children, ...rest } = props;
  return (
    <button type="button" className={CLASSES[kind]} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A button that shows only an icon. Its label is also its tooltip, unless it has a `title`. */
export function IconButton(
  props: ComponentProps<"button"> & { icon: IconName; label: string },
) {
  const { icon, label, title = label, ...rest } = props;
  return (
    <button
      type="button"
      className="wfc-icon-button"
      aria-label={label}
      title={title}
      {...rest}
    >
      <Icon name={icon} />
    </button>
  );
}

export function Tabs<Option extends string | undefined>({
  label,
  options,
  chosen,
  onChoose,
  children,
}: {
  label: string;
  options: readonly Option[];
  chosen: Option;
  onChoose: (option: Option) => void;
  children: (option: Option) => ReactNode;
}) {
  return (
    <div className="wfc-tabs" role="group" aria-label={label}>
      {options.map((option) => (
        <Button
          key={option ?? ""}
          kind="tab"
          aria-pressed={option === chosen}
          onClick={() => onChoose(option)}
        >
          {children(option)}
        </Button>
      ))}
    </div>
  );
}
