/** Place in the order. Neighbours are so far apart that an entry can be replaced by several in its place. */
export const SEQ_STRIDE = 1024;
