/** A handler that is running. */
export interface Layer {
  /** Whether the code now running is that of this layer's handler. */
  isCurrent(): boolean;
}

/**
 * The handlers that are running, oldest first. On the platform there is one at
 * most. Under convex-test handlers of several calls may be between their enter
 * and leave at a time, and share what `install` patches for the first of them;
 * the last to leave restores it.
 */
export class Layers<L extends Layer> {
  private readonly layers: L[] = [];
  private restore: (() => void) | undefined;

  constructor(private readonly install: () => () => void) {}

  /** The function returned takes the layer away again. */
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
