import { expect } from "vitest";

export interface Page<Item> {
  page: Item[];
  isDone: boolean;
  continueCursor: string;
}

/** Returns all items of a list and the size of each page. */
export async function allPages<Item>(
  numItems: number,
  read: (paginationOpts: {
    numItems: number;
    cursor: string | null;
  }) => Promise<Page<Item>>,
) {
  const items: Item[] = [];
  const sizes: number[] = [];
  for (let cursor: string | null = null; ;) {
    const found: Page<Item> = await read({ numItems, cursor });
    items.push(...found.page);
    sizes.push(found.page.length);
    if (found.isDone) return { items, sizes };
    expect(sizes.length).toBeLessThan(100);
    cursor = found.continueCursor;
  }
}
