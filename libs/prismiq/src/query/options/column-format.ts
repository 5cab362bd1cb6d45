export const COLUMN_FORMATS = ['plain', 'currency', 'percent', 'compact'] as const;

/** How a client shows the numbers of a column. @publicApi */
export type ColumnFormat = (typeof COLUMN_FORMATS)[number];
