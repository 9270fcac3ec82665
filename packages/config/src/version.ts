/** Of the whole tree: its services are released together. */
export const VERSION = '0.1.0';
