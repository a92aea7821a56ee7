/** A handler that is running. */
export interface Layer {
  /** Whether the running code belongs to this layer's handler. */
  isCurrent(): boolean;
}

/**
 * The running handlers, oldest first. On the platform, there is at most one. In
 * convex-test, handlers of several calls may be between enter and leave at a
 * time. They share the patches that `install` makes for the first of them, and
 * the last to leave restores the globals.
 */
export class Layers<L extends Layer> {
  private readonly layers: L[] = [];
  private restore: (() => void) | undefined;

  constructor(private readonly install: () => () => void) {}

  /** Call the returned function to remove the layer. */
  add(layer: L): () => void {
    if (this.layers.length === 0) this.restore = this.install();
    this.layers.push(layer);
    return () => {
      this.layers.splice(this.layers.indexOf(layer), 1);
      if (this.layers.length === 0) this.restore!();
    };
  }

  current(): L | undefined {
    for (let i = this.layers.length - 1; i >= 0; i--)
      if (this.layers[i]!.isCurrent()) return this.layers[i];
    return undefined;
  }
}
